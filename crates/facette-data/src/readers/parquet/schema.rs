//! Which columns hold pictures, names, labels and features.

use std::path::Path;

use ::parquet::basic::{ConvertedType, LogicalType, Type};
use ::parquet::schema::types::{ColumnDescriptor, SchemaDescriptor};

use crate::DataError;
use crate::source::nearest;

const LABELS: &[&str] = &["label", "labels", "identity", "class", "fine_label", "target"];
const FEATURES: &[&str] = &["feature", "features", "embedding"];

/// Columns as the settings name them.
pub(super) struct Wanted<'a> {
    pub(super) picture: Option<&'a str>,
    pub(super) label: Option<&'a str>,
    pub(super) feature: Option<&'a str>,
}

/// Leaf columns by their number.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Columns {
    pub(super) picture: usize,
    pub(super) name: Option<usize>,
    pub(super) label: usize,
    pub(super) feature: Option<usize>,
}

impl Columns {
    pub(super) fn find(
        path: &Path,
        schema: &SchemaDescriptor,
        wanted: &Wanted<'_>,
    ) -> Result<Self, DataError> {
        let refuse = |problem| DataError::layout(path, problem);
        let picture = pick(schema, "picture", wanted.picture, &[], is_picture).map_err(refuse)?;
        let root = root_of(schema, picture);
        let name = (0..schema.num_columns())
            .find(|&i| root_of(schema, i) == root && i != picture && is_path(&schema.column(i)));
        let label = pick(schema, "label", wanted.label, LABELS, is_label).map_err(refuse)?;
        let feature = match wanted.feature {
            Some("") => None,
            Some(_) => {
                Some(pick(schema, "feature", wanted.feature, FEATURES, is_vector).map_err(refuse)?)
            }
            None => pick(schema, "feature", None, FEATURES, is_vector).ok(),
        };
        Ok(Self { picture, name, label, feature })
    }
}

/// The one column that is `wanted` by name or, where none is wanted, the one that fits and, where
/// `names` are given, bears one of them.
fn pick(
    schema: &SchemaDescriptor,
    role: &str,
    wanted: Option<&str>,
    names: &[&str],
    fits: impl Fn(&ColumnDescriptor) -> bool,
) -> Result<usize, String> {
    let roots: Vec<_> =
        schema.root_schema().get_fields().iter().map(|field| field.name()).collect();
    let fitting = (0..schema.num_columns()).filter(|&i| fits(&schema.column(i)));
    if let Some(wanted) = wanted {
        let mut found = fitting.filter(|&i| root_of(schema, i) == wanted);
        return found.next().ok_or_else(|| match roots.contains(&wanted) {
            true => format!("column {wanted:?} cannot hold a {role}; see `facette list datasets`"),
            false => {
                let near = nearest(wanted, roots.iter().copied());
                let near = near.map(|near| format!(", did you mean {near:?}?")).unwrap_or_default();
                format!("no column {wanted:?}{near}; there are {}", roots.join(", "))
            }
        });
    }
    let found: Vec<_> =
        fitting.filter(|&i| names.is_empty() || names.contains(&root_of(schema, i))).collect();
    match found[..] {
        [one] => Ok(one),
        [] => {
            Err(format!("no {role} column; there are {}; name one with `{role}`", roots.join(", ")))
        }
        _ => {
            let found: Vec<_> = found.iter().map(|&i| root_of(schema, i)).collect();
            Err(format!("several {role} columns ({}); name one with `{role}`", found.join(", ")))
        }
    }
}

pub(super) fn root_of(schema: &SchemaDescriptor, column: usize) -> &str {
    schema.get_column_root(column).name()
}

fn is_text(column: &ColumnDescriptor) -> bool {
    column.logical_type_ref() == Some(&LogicalType::String)
        || column.converted_type() == ConvertedType::UTF8
}

fn is_picture(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY
        && column.max_rep_level() == 0
        && !is_text(column)
        && matches!(column.path().parts(), [_] | [_, _] if column.path().parts().len() == 1 || column.name() == "bytes")
}

fn is_path(column: &ColumnDescriptor) -> bool {
    column.physical_type() == Type::BYTE_ARRAY
        && column.max_rep_level() == 0
        && column.path().parts().len() == 2
        && column.name() == "path"
}

fn is_label(column: &ColumnDescriptor) -> bool {
    let number = matches!(column.physical_type(), Type::INT32 | Type::INT64 | Type::BOOLEAN);
    let text = column.physical_type() == Type::BYTE_ARRAY && is_text(column);
    column.max_rep_level() == 0 && column.path().parts().len() == 1 && (number || text)
}

fn is_vector(column: &ColumnDescriptor) -> bool {
    let half = column.physical_type() == Type::FIXED_LEN_BYTE_ARRAY
        && column.logical_type_ref() == Some(&LogicalType::Float16);
    let number = matches!(column.physical_type(), Type::FLOAT | Type::DOUBLE);
    column.max_rep_level() == 1 && (half || number)
}
