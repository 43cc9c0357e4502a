//! The shapes of what a stream yields, known before the first step.

use facette_graph::{Graph, GraphError, Shape};

/// What one stream yields for one picture.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamShapes {
    /// Output of the stem, where marked.
    pub stem: Option<Shape>,
    /// Output of every stage; empty for streams that yield only an embedding.
    pub stages: Vec<Shape>,
    /// Length of the embedding.
    pub embedding: usize,
    /// Classes scored.
    pub classes: Option<usize>,
}

impl StreamShapes {
    /// Of a network.
    ///
    /// # Errors
    /// If the graph does not fit together.
    pub fn of(graph: &Graph) -> Result<Self, GraphError> {
        let shapes = graph.shapes()?;
        let taps = &graph.taps;
        Ok(Self {
            stem: taps.stem.map(|id| shapes[id]),
            stages: taps.stages.iter().map(|&id| shapes[id]).collect(),
            embedding: shapes[taps.embedding].len(),
            classes: taps.logits.map(|id| shapes[id].len()),
        })
    }

    /// Of a teacher that yields only embeddings of `length`.
    pub fn embedding_only(length: usize) -> Self {
        Self { stem: None, stages: Vec::new(), embedding: length, classes: None }
    }
}
