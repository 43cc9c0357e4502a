//! The shapes of what a stream yields, known before the first step.

use facette_graph::{Graph, GraphError, Shape};

use crate::error::DistilError;

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

    /// Of the sum with what `base` yields ([`facette_nets::Knowledge::added_to`]).
    ///
    /// # Errors
    /// If the embeddings differ in length, or the class scores in number.
    pub fn added_to(self, name: &str, base: &Self) -> Result<Self, DistilError> {
        let unequal = match (self.classes, base.classes) {
            _ if self.embedding != base.embedding => {
                Some(format!("embeddings of {} and {}", self.embedding, base.embedding))
            }
            (Some(own), Some(other)) if own != other => Some(format!("{own} and {other} classes")),
            _ => None,
        };
        match unequal {
            Some(found) => Err(DistilError::Need {
                owner: name.to_owned(),
                need: "networks that can be added".into(),
                found,
                remedy: "give them embeddings of one length and classifiers of the same classes"
                    .into(),
            }),
            None => Ok(Self { classes: base.classes.and(self.classes), ..self }),
        }
    }

    /// Of a teacher that yields only embeddings of `length`.
    pub fn embedding_only(length: usize) -> Self {
        Self { stem: None, stages: Vec::new(), embedding: length, classes: None }
    }
}
