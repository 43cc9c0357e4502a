//! A small ONNX model, written byte by byte: flatten and a linear layer beside the plain maps.

/// One dimension of the input.
#[derive(Clone, Copy)]
pub(crate) enum Side {
    Fixed(u64),
    Open(&'static str),
}

/// A model that takes `sides`, and yields `maps` (the input, rectified) and, for every name in
/// `vectors`, the products of `weights [rows, c h w]` with the picture.
pub(crate) fn model(sides: [Side; 4], vectors: &[&str], weights: &[f32], rows: u64) -> Vec<u8> {
    let columns = weights.len() as u64 / rows;
    let mut graph = Vec::new();
    message(&mut graph, 1, &node("Relu", &["input"], "maps", None));
    message(&mut graph, 1, &node("Flatten", &["input"], "flat", Some(("axis", 1))));
    for vector in vectors {
        message(&mut graph, 1, &node("Gemm", &["flat", "w"], vector, Some(("transB", 1))));
    }
    message(&mut graph, 2, b"small");
    let mut weight = Vec::new();
    number(&mut weight, 1, rows);
    number(&mut weight, 1, columns);
    number(&mut weight, 2, 1);
    message(&mut weight, 8, b"w");
    message(&mut weight, 9, &weights.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<_>>());
    message(&mut graph, 5, &weight);
    message(&mut graph, 11, &value("input", &sides));
    message(&mut graph, 12, &value("maps", &sides));
    for vector in vectors {
        message(&mut graph, 12, &value(vector, &[sides[0], Side::Fixed(rows)]));
    }
    let mut opset = Vec::new();
    number(&mut opset, 2, 13);
    let mut model = Vec::new();
    number(&mut model, 1, 8);
    message(&mut model, 8, &opset);
    message(&mut model, 7, &graph);
    model
}

fn node(kind: &str, inputs: &[&str], output: &str, attribute: Option<(&str, u64)>) -> Vec<u8> {
    let mut bytes = Vec::new();
    inputs.iter().for_each(|input| message(&mut bytes, 1, input.as_bytes()));
    message(&mut bytes, 2, output.as_bytes());
    message(&mut bytes, 3, format!("{kind}-{output}").as_bytes());
    message(&mut bytes, 4, kind.as_bytes());
    if let Some((name, value)) = attribute {
        let mut inner = Vec::new();
        message(&mut inner, 1, name.as_bytes());
        number(&mut inner, 3, value);
        number(&mut inner, 20, 2);
        message(&mut bytes, 5, &inner);
    }
    bytes
}

fn value(name: &str, sides: &[Side]) -> Vec<u8> {
    let mut shape = Vec::new();
    for side in sides {
        let mut dimension = Vec::new();
        match side {
            Side::Fixed(length) => number(&mut dimension, 1, *length),
            Side::Open(symbol) => message(&mut dimension, 2, symbol.as_bytes()),
        }
        message(&mut shape, 1, &dimension);
    }
    let mut tensor = Vec::new();
    number(&mut tensor, 1, 1);
    message(&mut tensor, 2, &shape);
    let mut kind = Vec::new();
    message(&mut kind, 1, &tensor);
    let mut bytes = Vec::new();
    message(&mut bytes, 1, name.as_bytes());
    message(&mut bytes, 2, &kind);
    bytes
}

fn number(bytes: &mut Vec<u8>, field: u64, value: u64) {
    varint(bytes, field << 3);
    varint(bytes, value);
}

fn message(bytes: &mut Vec<u8>, field: u64, content: &[u8]) {
    varint(bytes, field << 3 | 2);
    varint(bytes, content.len() as u64);
    bytes.extend(content);
}

fn varint(bytes: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        bytes.push(value as u8 | 0x80);
        value >>= 7;
    }
    bytes.push(value as u8);
}
