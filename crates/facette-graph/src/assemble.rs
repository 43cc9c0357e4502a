//! One network made of several: what one yields is read by another, or another's is added to it.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use alloc::{format, vec};

use crate::error::GraphError;
use crate::graph::{Graph, Node, NodeId, Taps};
use crate::op::{Op, Shape};

/// One of the networks that an assembled one is made of.
#[derive(Debug, Clone, Copy)]
pub struct Part<'a> {
    /// What stands before its paths, with a dot.
    pub name: &'a str,
    /// The network.
    pub graph: &'a Graph,
    /// Place of the part whose embedding, a flattened map, it reads instead of the picture.
    pub reads: Option<usize>,
    /// Place of the part whose embedding and class scores are added to its own.
    pub on: Option<usize>,
}

/// Where a part's knowledge is in the assembled network.
struct Placed {
    /// The map that its embedding flattens; the embedding itself where it flattens none.
    map: NodeId,
    embedding: NodeId,
    logits: Option<NodeId>,
}

impl Graph {
    /// The network that yields what the last of `parts` does, with everything that it reads and
    /// that is added to it. Parts come after those they name. Weights keep their paths, behind the
    /// name of their part; maps of stages are not tapped. Class scores remain if all parts of the
    /// sum have some.
    ///
    /// ```
    /// use facette_graph::{Builder, Graph, Input, Part};
    /// let net = || {
    ///     let mut b = Builder::new("linear", Input::colour(2));
    ///     let x = b.flatten(0);
    ///     let x = b.linear("fc", x, 12, 5, true);
    ///     b.finish(x, None).unwrap()
    /// };
    /// let (first, second) = (net(), net());
    /// let sum = Graph::assembled(&[
    ///     Part { name: "first", graph: &first, reads: None, on: None },
    ///     Part { name: "second", graph: &second, reads: None, on: Some(0) },
    /// ])
    /// .unwrap();
    /// assert_eq!(sum.architecture, "linear+linear");
    /// assert_eq!(sum.tensors()[2].name, "second.fc.weight");
    /// ```
    ///
    /// # Errors
    /// If there are no parts, one names a later one, reads what is no flattened map of its input's
    /// shape, or sums differ in length.
    pub fn assembled(parts: &[Part<'_>]) -> Result<Graph, GraphError> {
        let refuse = |part: &Part<'_>, problem: String| GraphError::Node {
            node: part.name.to_owned(),
            op: "part",
            problem,
        };
        let picture = parts.iter().find(|part| part.reads.is_none()).ok_or(GraphError::Node {
            node: "assembled".into(),
            op: "parts",
            problem: "no part reads the picture".into(),
        })?;
        let mut nodes = vec![Node { path: String::new(), op: Op::Input, inputs: Vec::new() }];
        let mut placed: Vec<Placed> = Vec::with_capacity(parts.len());
        let mut names = Vec::with_capacity(parts.len());
        for part in parts {
            let earlier = |place: usize, placed: &[Placed]| match place < placed.len() {
                true => Ok(place),
                false => Err(refuse(part, format!("names part {place}, which is no earlier one"))),
            };
            let input = part.graph.input;
            let start = match part.reads {
                None if input == picture.graph.input => 0,
                None => {
                    let problem = format!("takes {input:?}, part {:?} takes another", picture.name);
                    return Err(refuse(part, problem));
                }
                Some(place) => {
                    let place = earlier(place, &placed)?;
                    let source = parts[place].graph;
                    let shapes = source.shapes()?;
                    let found = shapes[flattened(source)];
                    let wanted = Shape {
                        channels: input.channels,
                        height: input.height,
                        width: input.width,
                    };
                    if found != wanted {
                        let problem = format!(
                            "reads {wanted:?}, part {:?} yields {found:?}",
                            parts[place].name
                        );
                        return Err(refuse(part, problem));
                    }
                    placed[place].map
                }
            };
            let moved = nodes.len();
            let place = |id: NodeId| if id == 0 { start } else { moved + id - 1 };
            for node in &part.graph.nodes[1..] {
                let path = match node.path.is_empty() {
                    true => String::new(),
                    false => format!("{}.{}", part.name, node.path),
                };
                let inputs = node.inputs.iter().map(|&id| place(id)).collect();
                nodes.push(Node { path, op: node.op.clone(), inputs });
            }
            let taps = &part.graph.taps;
            let mut own = Placed {
                map: place(flattened(part.graph)),
                embedding: place(taps.embedding),
                logits: taps.logits.map(place),
            };
            if let Some(base) = part.on {
                let base = &placed[earlier(base, &placed)?];
                let mut add = |a: NodeId, b: NodeId| {
                    nodes.push(Node { path: String::new(), op: Op::Add, inputs: vec![a, b] });
                    nodes.len() - 1
                };
                own.embedding = add(base.embedding, own.embedding);
                own.map = own.embedding;
                own.logits = base.logits.zip(own.logits).map(|(a, b)| add(a, b));
            }
            placed.push(own);
            names.push(part.graph.architecture.as_str());
        }
        let kept = placed.last().expect("there is a part that reads the picture");
        let taps = Taps {
            stem: None,
            stages: Vec::new(),
            before_activation: Vec::new(),
            embedding: kept.embedding,
            logits: kept.logits,
        };
        let graph =
            Graph { architecture: names.join("+"), input: picture.graph.input, nodes, taps };
        graph.check()?;
        Ok(graph)
    }
}

/// The map that the embedding flattens, or the embedding.
fn flattened(graph: &Graph) -> NodeId {
    let embedding = graph.taps.embedding;
    match graph.nodes.get(embedding) {
        Some(Node { op: Op::Flatten, inputs, .. }) => inputs[0],
        _ => embedding,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::build::Builder;
    use crate::graph::Input;
    use crate::op::Conv;

    fn classifier(side: usize, classes: Option<usize>) -> Graph {
        let mut b = Builder::new("net", Input::colour(side));
        let x = b.conv("conv", 0, Conv::square(3, 4, 3, 1));
        let x = b.global_average(x);
        let logits = classes.map(|classes| b.linear("fc", x, 4, classes, true));
        b.finish(x, logits).unwrap()
    }

    fn painter(side: usize) -> Graph {
        let mut b = Builder::new("painter", Input::colour(side));
        let x = b.conv("conv", 0, Conv::square(3, 3, 3, 1));
        let x = b.flatten(x);
        b.finish(x, None).unwrap()
    }

    fn part<'a>(
        name: &'a str,
        graph: &'a Graph,
        reads: Option<usize>,
        on: Option<usize>,
    ) -> Part<'a> {
        Part { name, graph, reads, on }
    }

    #[test]
    fn a_sum_behind_a_painter_keeps_all_weights() {
        let (front, a, b) = (painter(6), classifier(6, Some(5)), classifier(6, Some(5)));
        let all = [part("front", &front, None, None), part("a", &a, Some(0), None)];
        let graph = Graph::assembled(&[all[0], all[1], part("b", &b, Some(0), Some(1))]).unwrap();
        assert_eq!(graph.architecture, "painter+net+net");
        let names: Vec<String> = graph.tensors().into_iter().map(|spec| spec.name).collect();
        let of = |part: &str| names.iter().filter(|name| name.starts_with(part)).count();
        assert_eq!((of("front."), of("a."), of("b.")), (1, 3, 3));
        let shapes = graph.shapes().unwrap();
        assert_eq!(shapes[graph.taps.embedding].len(), 4);
        assert_eq!(shapes[graph.taps.logits.unwrap()].len(), 5);
        assert!(matches!(graph.nodes[graph.taps.embedding].op, Op::Add));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let (front, a, wide) = (painter(6), classifier(6, Some(5)), classifier(8, None));
        let refused = |parts: &[Part<'_>]| Graph::assembled(parts).unwrap_err().to_string();
        assert!(refused(&[]).contains("no part"));
        assert!(refused(&[part("a", &a, None, Some(0))]).contains("no earlier one"));
        let read = [part("front", &front, None, None), part("wide", &wide, Some(0), None)];
        assert!(refused(&read).contains("wide") && refused(&read).contains("yields"));
        let two = [part("a", &a, None, None), part("wide", &wide, None, Some(0))];
        assert!(refused(&two).contains("takes"), "{}", refused(&two));
        // Class scores that one part lacks are left behind.
        let plain = classifier(6, None);
        let sum = Graph::assembled(&[part("a", &a, None, None), part("b", &plain, None, Some(0))]);
        assert!(sum.unwrap().taps.logits.is_none());
    }
}
