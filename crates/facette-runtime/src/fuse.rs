//! Which nodes are computed in one go.

use alloc::vec;
use alloc::vec::Vec;

use facette_graph::{Graph, NodeId, Op};

/// Nodes computed together: `outer(inner(head(x)) + residual)`.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Fused {
    /// What reads its inputs and does the work.
    pub(crate) head: NodeId,
    /// Activation before the sum.
    pub(crate) inner: Option<NodeId>,
    /// What is added.
    pub(crate) residual: Option<NodeId>,
    /// Activation after the sum.
    pub(crate) outer: Option<NodeId>,
    /// The node whose value is the result.
    pub(crate) tail: NodeId,
}

/// The groups of a folded network in the order in which they can be computed. The picture is in
/// none.
pub(crate) fn fuse(graph: &Graph) -> Vec<Fused> {
    let mut readers: Vec<Vec<NodeId>> = vec![Vec::new(); graph.nodes.len()];
    for (id, node) in graph.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|&input| readers[input].push(id));
    }
    let mut taken = vec![false; graph.nodes.len()];
    let mut groups = Vec::new();
    for head in 1..graph.nodes.len() {
        if taken[head] {
            continue;
        }
        let mut group = match &graph.nodes[head].op {
            Op::Add => {
                let residual = graph.nodes[head].inputs.get(1).copied();
                Fused { head, inner: None, residual, outer: None, tail: head }
            }
            op if rectifies(op) => {
                Fused { head, inner: Some(head), residual: None, outer: None, tail: head }
            }
            _ => Fused { head, inner: None, residual: None, outer: None, tail: head },
        };
        let finishes = matches!(
            graph.nodes[head].op,
            Op::Conv(_) | Op::Linear { .. } | Op::BatchNorm { .. } | Op::Add
        ) || group.inner.is_some();
        while finishes && group.tail != graph.taps.embedding {
            let [next] = readers[group.tail][..] else { break };
            let node = &graph.nodes[next];
            if taken[next] {
                break;
            } else if rectifies(&node.op) && group.residual.is_none() && group.inner.is_none() {
                group.inner = Some(next);
            } else if rectifies(&node.op) && group.residual.is_some() && group.outer.is_none() {
                group.outer = Some(next);
            } else if node.op == Op::Add && group.residual.is_none() {
                group.residual = node.inputs.iter().copied().find(|&input| input != group.tail);
            } else {
                break;
            }
            group.tail = next;
            taken[next] = true;
        }
        groups.push(group);
    }
    // All that a group reads is there once all before its tail is.
    groups.sort_by_key(|group| group.tail);
    groups
}

/// Activations that a layer's finish can do.
fn rectifies(op: &Op) -> bool {
    matches!(op, Op::Relu | Op::Relu6 | Op::LeakyRelu { .. } | Op::Prelu { .. })
}

#[cfg(test)]
mod tests {
    use facette_graph::{Builder, Conv, Input};

    use super::*;

    #[test]
    fn a_basic_block_is_three_groups() {
        let mut b = Builder::new("block", Input::square(8, 6));
        let x = b.conv("conv1", 0, Conv::square(8, 4, 3, 2));
        let x = b.relu(x);
        let y = b.conv("conv2", x, Conv::square(4, 4, 3, 1));
        let shortcut = b.conv("shortcut", 0, Conv::square(8, 4, 1, 2));
        let sum = b.add(y, shortcut);
        let out = b.relu(sum);
        let pooled = b.global_average(out);
        let graph = b.finish(pooled, None).unwrap();
        let found = fuse(&graph);
        let plain = |head, inner, tail| Fused { head, inner, residual: None, outer: None, tail };
        let expected = [
            plain(1, Some(2), 2),
            plain(4, None, 4),
            Fused { head: 3, inner: None, residual: Some(4), outer: Some(6), tail: 6 },
            plain(7, None, 7),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn what_two_read_is_not_fused() {
        let mut b = Builder::new("fork", Input::square(4, 6));
        let x = b.conv("conv", 0, Conv::square(4, 4, 3, 1));
        let y = b.relu(x);
        let sum = b.add(x, y);
        let twice = b.add(sum, sum);
        let pooled = b.global_average(twice);
        let graph = b.finish(pooled, None).unwrap();
        let tails: Vec<NodeId> = fuse(&graph).iter().map(|group| group.tail).collect();
        // The ReLU and the sum become one, `relu(x) + x`.
        assert_eq!(tails, [1, 3, 4, 5]);
    }
}
