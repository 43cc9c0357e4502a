//! Odd settings are refused with their name, never with a panic.

use burn::tensor::Device;
use facette_distil::{Context, METHODS, StreamShapes, TERMS};
use facette_graph::Shape;
use toml::{Table, Value};

fn odd_values() -> Vec<Value> {
    vec![
        Value::Integer(-1),
        Value::Integer(0),
        Value::Integer(i64::MAX),
        Value::Float(-0.5),
        Value::Float(f64::NAN),
        Value::Float(f64::INFINITY),
        Value::Float(1e300),
        Value::String(String::new()),
        Value::String("no such word".into()),
        Value::Boolean(true),
        Value::Array(Vec::new()),
        Value::Array(vec![Value::Table(Table::new())]),
        Value::Table(Table::new()),
    ]
}

fn full() -> StreamShapes {
    let stage = |channels, size| Shape { channels, height: size, width: size };
    StreamShapes {
        stem: Some(stage(4, 8)),
        stages: vec![stage(4, 8), stage(8, 4), stage(8, 2)],
        embedding: 8,
        classes: Some(4),
    }
}

#[test]
fn odd_values_are_refused_or_work() {
    let device = Device::flex().autodiff();
    let shapes = full();
    let context = Context {
        student: &shapes,
        target: Some(&shapes),
        left: None,
        network: None,
        classes: Some(4),
        domains: &[],
        pictures: 20,
        device: &device,
        stream: "student",
        seed: 1,
    };
    for term in TERMS {
        for key in term.defaults().keys() {
            for value in odd_values() {
                let settings = Table::from_iter([(key.clone(), value)]);
                if let Err(error) = term.build(&settings, &context) {
                    let message = error.to_string();
                    assert!(message.contains(term.id()), "{}: {message}", term.id());
                }
            }
        }
        let unknown = Table::from_iter([("no_such_key".to_owned(), Value::Integer(1))]);
        let message = term.build(&unknown, &context).err().map(|e| e.to_string());
        assert!(message.is_some_and(|m| m.contains("no_such_key")), "{}", term.id());
    }
    for method in METHODS {
        for key in method.defaults().keys() {
            for value in odd_values() {
                let settings = Table::from_iter([(key.clone(), value)]);
                let refused = method.effective(&settings).is_err();
                assert_eq!(refused, method.streams(&settings).is_err(), "{} {key}", method.id());
            }
        }
        let unknown = Table::from_iter([("no_such_key".to_owned(), Value::Integer(1))]);
        assert!(method.streams(&unknown).is_err(), "{}", method.id());
    }
}

#[test]
fn every_term_says_what_is_missing() {
    let device = Device::flex().autodiff();
    let bare = StreamShapes::embedding_only(8);
    let empty = Table::new();
    for term in TERMS {
        let context = Context {
            student: &bare,
            target: None,
            left: None,
            network: None,
            classes: None,
            domains: &[],
            pictures: 20,
            device: &device,
            stream: "student",
            seed: 1,
        };
        let needs = term.needs();
        let message = match term.build(&empty, &context) {
            Ok(_) => panic!("{} needs nothing, though it says {needs:?}", term.id()),
            Err(error) => error.to_string(),
        };
        assert!(message.contains(term.id()) && message.contains("; "), "{message}");
    }
}
