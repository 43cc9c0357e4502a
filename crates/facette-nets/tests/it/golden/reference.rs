//! Which of our networks a reference implementation is, with which settings: the family by its
//! path, the widths by the shapes of its weights.

use facette_graph::Arrays;
use facette_nets::NetOptions;
use toml::{Table, Value};

struct Shapes<'a>(&'a Arrays);

impl Shapes<'_> {
    /// Length of a dimension of a tensor.
    fn of(&self, name: &str, dimension: usize) -> Result<usize, String> {
        let shape = self.0.get(name).map(|array| &array.shape);
        let length = shape.and_then(|shape| shape.get(dimension));
        length.copied().ok_or_else(|| format!("no weight {name:?} to read a width from"))
    }

    fn outputs(&self, names: impl IntoIterator<Item = String>) -> Result<Vec<usize>, String> {
        names.into_iter().map(|name| self.of(&name, 0)).collect()
    }

    /// How many of `name(0)`, `name(1)`, ... there are.
    fn count(&self, name: impl Fn(usize) -> String) -> usize {
        (0..).take_while(|&index| self.0.contains_key(&name(index))).count()
    }
}

fn list(values: &[usize]) -> Value {
    Value::Array(values.iter().map(|&value| Value::Integer(value as i64)).collect())
}

fn number(value: usize) -> Value {
    Value::Integer(value as i64)
}

/// The network at `reference` (`owner/repo@commit:path::symbol ...`) whose weights are `sd`, for
/// pictures of `size`: its name in the registry and its settings.
pub(crate) fn network(
    reference: &str,
    sd: &Arrays,
    size: usize,
) -> Result<(String, NetOptions), String> {
    let (place, symbol) = reference.split_once("::").ok_or("the reference names no symbol")?;
    let (repository, path) = place.split_once(':').ok_or("the reference names no path")?;
    let repository = repository.split('@').next().unwrap_or_default();
    let word: String =
        symbol.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
    let file = path.rsplit('/').next().unwrap_or_default();
    let shapes = Shapes(sd);
    let (id, settings) = match (repository, file) {
        ("weiaicunzai/pytorch-cifar100", "resnet.py") => {
            let first = |stage| format!("conv{stage}_x.0.residual_function.0.weight");
            (word, vec![("widths", list(&shapes.outputs((2..6).map(first))?))])
        }
        ("HobbitLong/RepDistiller", "resnet.py") => {
            let first = (1..4).map(|stage| format!("layer{stage}.0.conv1.weight"));
            let names = ["conv1.weight".to_owned()].into_iter().chain(first);
            (word, vec![("widths", list(&shapes.outputs(names)?))])
        }
        ("HobbitLong/RepDistiller", "wrn.py") => {
            let blocks = shapes.count(|block| format!("block1.layer.{block}.conv1.weight"));
            let widen = shapes.of("block1.layer.0.conv1.weight", 0)? / 16;
            let settings = vec![("depth", number(6 * blocks + 4)), ("widen", number(widen))];
            ("wrn_16_1".into(), settings)
        }
        ("HobbitLong/RepDistiller", "vgg.py") => {
            let block = |block: usize| {
                let name = |index: usize| format!("block{block}.{}.weight", 3 * index);
                let count = shapes.count(name);
                Ok(list(&shapes.outputs((0..count).map(name))?))
            };
            let blocks = (0..5).map(block).collect::<Result<Vec<_>, String>>()?;
            ("vgg8".into(), vec![("widths", Value::Array(blocks))])
        }
        ("HobbitLong/RepDistiller", "mobilenetv2.py") => {
            let first = "blocks.1.0.conv.0.weight";
            let expansion = shapes.of(first, 0)? / shapes.of(first, 1)?;
            let width = shapes.of("conv1.0.weight", 0)? as f64 / 32.0;
            let settings = vec![("expansion", number(expansion)), ("width", Value::Float(width))];
            ("mobilenet-v2".into(), settings)
        }
        ("HobbitLong/RepDistiller", "ShuffleNetv1.py") => {
            let (mut widths, mut blocks) = (vec![], vec![]);
            let mut inputs = shapes.of("conv1.weight", 0)?;
            for stage in 1..4 {
                inputs += shapes.of(&format!("layer{stage}.0.conv3.weight"), 0)?;
                widths.push(inputs);
                blocks.push(shapes.count(|block| format!("layer{stage}.{block}.conv3.weight")));
            }
            let inner = shapes.of("layer1.0.conv2.weight", 0)?;
            let groups = inner / shapes.of("layer1.0.conv3.weight", 1)?;
            let settings = vec![
                ("widths", list(&widths)),
                ("blocks", list(&blocks)),
                ("groups", number(groups)),
            ];
            ("shufflenet-v1".into(), settings)
        }
        ("HobbitLong/RepDistiller", "ShuffleNetv2.py") => {
            let halves = (1..4).map(|stage| format!("layer{stage}.0.conv5.weight"));
            let mut widths: Vec<usize> =
                shapes.outputs(halves)?.into_iter().map(|half| 2 * half).collect();
            widths.push(shapes.of("conv2.weight", 0)?);
            let blocks: Vec<usize> = (1..4)
                .map(|stage| shapes.count(|b| format!("layer{stage}.{}.conv3.weight", b + 1)))
                .collect();
            ("shufflenet-v2".into(), vec![("widths", list(&widths)), ("blocks", list(&blocks))])
        }
        ("deepinsight/insightface", "iresnet.py") => {
            let first = |stage| format!("layer{stage}.0.conv1.weight");
            (word, vec![("widths", list(&shapes.outputs((1..5).map(first))?))])
        }
        ("deepinsight/insightface", "mobilefacenet.py") => {
            let blocks: Vec<usize> = [1, 3, 5, 7]
                .map(|place| {
                    let name =
                        |block| format!("layers.{place}.layers.{block}.layers.0.layers.0.weight");
                    shapes.count(name).max(1)
                })
                .to_vec();
            let scale = shapes.of("layers.0.layers.0.weight", 0)? / 64;
            ("mobilefacenet".into(), vec![("blocks", list(&blocks)), ("scale", number(scale))])
        }
        ("fdbtrs/PocketNet", "augment_cnn.py") => {
            let cells = shapes.count(|cell| format!("cells.{cell}.preproc1.net.0.weight"));
            let channels = shapes.of("stem.0.weight", 0)? / 4;
            let settings = vec![("channels", number(channels)), ("cells", number(cells))];
            ("pocketnet-s".into(), settings)
        }
        _ => return Err(format!("no network of ours is {reference:?}")),
    };
    let settings = settings.into_iter().map(|(key, value)| (key.to_owned(), value));
    let options = NetOptions { settings: Table::from_iter(settings), ..NetOptions::new(size) };
    Ok((id, options))
}
