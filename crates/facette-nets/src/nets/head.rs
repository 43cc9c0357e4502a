//! The end of a network: embedding and classifier.

use facette_graph::{Builder, Graph, NodeId};

use crate::error::NetsError;
use crate::spec::NetOptions;

/// Ends a network at the vector `pooled`: a linear layer `embedding` where a length is given,
/// and a linear layer at `classifier` where the caller wants classes.
pub(crate) fn finish(
    mut b: Builder,
    pooled: NodeId,
    embedding: Option<usize>,
    options: &NetOptions,
    classifier: &str,
) -> Result<Graph, NetsError> {
    let mut vector = pooled;
    if let Some(length) = embedding {
        let inputs = b.channels(pooled);
        vector = b.linear("embedding", pooled, inputs, length, true);
    }
    classified(b, vector, options, classifier)
}

/// Ends a network at the embedding `vector`, with a linear layer at `classifier` where the
/// caller wants classes.
pub(crate) fn classified(
    mut b: Builder,
    vector: NodeId,
    options: &NetOptions,
    classifier: &str,
) -> Result<Graph, NetsError> {
    let logits = options.classes.map(|classes| {
        let inputs = b.channels(vector);
        b.linear(classifier, vector, inputs, classes, true)
    });
    Ok(b.finish(vector, logits)?)
}
