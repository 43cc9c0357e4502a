//! Every operation as its definition reads, in `f64`, node by node, nothing folded or fused.

use facette_graph::{Arrays, Graph, Op, Pool, Shape};

type Map = Vec<f64>;

/// The embedding of one face, from its planes.
pub(crate) fn embedding(graph: &Graph, arrays: &Arrays, planes: &[f32]) -> Vec<f64> {
    let shapes = graph.shapes().unwrap();
    let mut maps: Vec<Map> = vec![planes.iter().map(|&v| v.into()).collect()];
    for id in 1..=graph.taps.embedding {
        let node = &graph.nodes[id];
        let x: Vec<&Map> = node.inputs.iter().map(|&input| &maps[input]).collect();
        let of = |leaf: &str| -> Option<Map> {
            let array = arrays.get(&format!("{}.{leaf}", node.path))?;
            Some(array.values.iter().map(|&v| v.into()).collect())
        };
        let (from, to) = (shapes[node.inputs[0]], shapes[id]);
        let area = from.height * from.width;
        let each = |f: &dyn Fn(usize, f64) -> f64| -> Map {
            x[0].iter().enumerate().map(|(i, &v)| f(i / area, v)).collect()
        };
        let map = match &node.op {
            Op::Input => unreachable!(),
            Op::Conv(c) => {
                let (w, bias) = (of("weight").unwrap(), of("bias"));
                let (inputs, outputs) = (c.inputs / c.groups, c.outputs / c.groups);
                let [kh, kw] = c.kernel;
                windows(to, |channel, row, column| {
                    let mut sum = bias.as_ref().map_or(0.0, |bias| bias[channel]);
                    for i in 0..inputs * kh * kw {
                        let (input, ky, kx) = (i / (kh * kw), i / kw % kh, i % kw);
                        let y = (row * c.stride[0] + ky * c.dilation[0]).wrapping_sub(c.padding[0]);
                        let z =
                            (column * c.stride[1] + kx * c.dilation[1]).wrapping_sub(c.padding[1]);
                        if y < from.height && z < from.width {
                            let input = channel / outputs * inputs + input;
                            sum += x[0][(input * from.height + y) * from.width + z]
                                * w[channel * inputs * kh * kw + i];
                        }
                    }
                    sum
                })
            }
            Op::BatchNorm { eps, .. } => {
                let (mean, variance) = (of("running_mean").unwrap(), of("running_var").unwrap());
                let (scale, shift) = (of("weight"), of("bias"));
                each(&|c, v| {
                    let unit = (v - mean[c]) / (variance[c] + eps).sqrt();
                    let at =
                        |map: &Option<Map>, otherwise| map.as_ref().map_or(otherwise, |m| m[c]);
                    unit * at(&scale, 1.0) + at(&shift, 0.0)
                })
            }
            Op::Relu => each(&|_, v| v.max(0.0)),
            Op::Relu6 => each(&|_, v| v.clamp(0.0, 6.0)),
            Op::LeakyRelu { slope } => each(&|_, v| if v < 0.0 { slope * v } else { v }),
            Op::Prelu { .. } => {
                let w = of("weight").unwrap();
                each(&|c, v| if v < 0.0 { w[c % w.len()] * v } else { v })
            }
            Op::Sigmoid => each(&|_, v| 1.0 / (1.0 + (-v).exp())),
            Op::MaxPool(pool) => pooled(pool, from, to, x[0], &|seen, _| {
                seen.iter().copied().fold(f64::MIN, f64::max)
            }),
            Op::AvgPool(pool) => {
                pooled(pool, from, to, x[0], &|seen, all| seen.iter().sum::<f64>() / all as f64)
            }
            Op::GlobalAvgPool => {
                x[0].chunks(area).map(|plane| plane.iter().sum::<f64>() / area as f64).collect()
            }
            Op::Add => x[0].iter().zip(x[1]).map(|(a, b)| a + b).collect(),
            Op::Concat => x.iter().flat_map(|map| map.iter().copied()).collect(),
            Op::Channels { start, length } => x[0][start * area..(start + length) * area].to_vec(),
            Op::Crop { rows, columns } => windows(to, |c, row, column| {
                x[0][(c * from.height + row + rows) * from.width + column + columns]
            }),
            Op::ChannelShuffle { groups } => windows(to, |c, row, column| {
                let channel = c % groups * (from.channels / groups) + c / groups;
                x[0][(channel * from.height + row) * from.width + column]
            }),
            Op::Flatten => x[0].clone(),
            Op::Linear { inputs, .. } => {
                let (w, bias) = (of("weight").unwrap(), of("bias"));
                let rows = w.chunks(*inputs).enumerate();
                rows.map(|(o, row)| {
                    let sum: f64 = row.iter().zip(x[0]).map(|(w, x)| w * x).sum();
                    sum + bias.as_ref().map_or(0.0, |bias| bias[o])
                })
                .collect()
            }
            Op::L2Normalise => {
                let length = x[0].iter().map(|v| v * v).sum::<f64>().sqrt();
                each(&|_, v| v / length)
            }
        };
        assert_eq!(map.len(), to.len(), "node {id}");
        maps.push(map);
    }
    maps.swap_remove(graph.taps.embedding)
}

fn windows(to: Shape, value: impl Fn(usize, usize, usize) -> f64) -> Map {
    let (area, width) = (to.height * to.width, to.width);
    (0..to.len()).map(|i| value(i / area, i % area / width, i % width)).collect()
}

/// `fold` of the values seen in each window, and of how many places it has.
fn pooled(
    pool: &Pool,
    from: Shape,
    to: Shape,
    x: &Map,
    fold: &dyn Fn(&[f64], usize) -> f64,
) -> Map {
    let [kh, kw] = pool.kernel;
    windows(to, |c, row, column| {
        let seen: Vec<f64> = (0..kh * kw)
            .filter_map(|i| {
                let y = (row * pool.stride[0] + i / kw).wrapping_sub(pool.padding[0]);
                let z = (column * pool.stride[1] + i % kw).wrapping_sub(pool.padding[1]);
                let on = y < from.height && z < from.width;
                on.then(|| x[(c * from.height + y) * from.width + z])
            })
            .collect();
        fold(&seen, kh * kw)
    })
}
