//! `ft`: the term `ft` with its translator and paraphraser, and its pure forms.

use facette_distil::terms::ft::{ft, ft_whole};
use facette_distil::terms::paraphraser::reconstruction;

use super::Found;
use crate::case::Case;
use crate::through::{Through, maps};

/// torchdistill's norm of the difference (`td_p2`) is not offered.
pub(crate) fn run(case: &Case, output: &str) -> Option<Found> {
    let power = |key: &str| case.hyper(key) as u32;
    let plain = |p2| ft(case.input("student"), case.constant("in/teacher"), power("p1"), p2);
    let loss = match output {
        "loss" => plain(power("p2")),
        "p2_2" => plain(2),
        "kdzoo" | "td_l1" => ft_whole(case.input("factor_s"), case.constant("in/factor_t")),
        "module_loss" => module(case),
        "para_rec_mse" => {
            let tensors = std::array::from_fn(|index| {
                let part = ["encoder", "decoder"][index / 6];
                let leaf = ["weight", "bias"][index % 2];
                case.learned(&format!("paraphraser.{part}.{}.{leaf}", 3 * (index % 6 / 2)))
            });
            let map = case.constant::<4>("in/module_t");
            let factors = case.shape("param/paraphraser.encoder.6.bias")[0];
            let channels = [map.dims()[1], map.dims()[1], factors, factors];
            reconstruction(map, channels, &tensors)
        }
        _ => return None,
    };
    Some(Found::Loss(loss))
}

fn module(case: &Case) -> burn::tensor::Tensor<1> {
    const LAYERS: [usize; 5] = [0, 1, 3, 4, 6];
    let own = maps(vec![case.input("module_s")]);
    let target = maps(vec![case.constant("in/module_t")]);
    let settings = format!(
        "p1 = {}\np2 = {}\nshare = {:?}",
        case.hyper("p1"),
        case.hyper("p2"),
        case.hyper("k")
    );
    let mut term = Through::new(case, "ft", &settings, own, Some(target), None);
    let leaves = ["weight", "bias"];
    let mut translator: Vec<String> = Vec::new();
    for leaf in leaves {
        translator.extend(LAYERS.iter().map(|i| format!("translator.encoder.{i}.{leaf}")));
        translator.push(format!("translator.encoder.7.{leaf}"));
        for part in ["encoder", "decoder"] {
            for layer in [0, 3, 6] {
                let name = format!("paraphraser.{part}.{layer}.{leaf}");
                term.set(&name, case.values(&format!("param/{name}")).to_vec());
            }
        }
    }
    for name in &translator {
        term.set(name, case.values(&format!("param/{name}")).to_vec());
    }
    term.set("paraphraser.batches_seen", vec![1.0]);
    let names: Vec<(&str, &str)> =
        translator.iter().map(|name| (name.as_str(), name.as_str())).collect();
    term.loss(&names)
}
