//! Golden vectors of the group `eval`: expected values computed by public reference implementations
//! (InsightFace, facenet, AdaFace, RKD, scikit-learn; the file's `reference` names each with its
//! commit). Everything but the conventions is read from the files: inputs, sizes, which outputs
//! exist and their expected values. A case or an output that is not known here fails.
//!
//! The folder is `FACETTE_GOLDEN`, or `../shared/golden` beside the workspace; without the variable a
//! missing folder skips the test.

mod golden_case;

use facette_eval::conventions::convention;
use facette_eval::metrics::average_precision::retrieve;
use facette_eval::metrics::cmc::{ProbeMatch, match_probes, rank_k};
use facette_eval::metrics::folds::Folds;
use facette_eval::metrics::grid::{arange, fold_averaged_roc};
use facette_eval::metrics::mutual_information::{Normaliser, normalised_mutual_information};
use facette_eval::metrics::roc::{Roc, RocPoint};
use facette_eval::metrics::sorted_distances::SortedDistances;
use facette_eval::metrics::spread::{mean, population_std};
use facette_eval::metrics::top_k::{label_ranks, mean_class_accuracy, top_k};
use facette_eval::metrics::val_at_far::{ValAtFar, val_at_far};
use facette_eval::metrics::{
    auc, brier, eer, expected_calibration, kmeans, one_to_many, open_set, rand_index, recall,
    softmax, tar_at_far,
};
use facette_eval::{Outputs, VerificationSet};

use golden_case::{Case, cases};

#[test]
fn every_eval_case() {
    let Some(cases) = cases("eval") else { return };
    assert!(!cases.is_empty(), "the index lists no case of the group eval");
    for case in &cases {
        match case.name.as_str() {
            name if name.starts_with("lfw_verification") => verification(case),
            "identification_cmc" => identification(case),
            "classification_topk_ece" => classification(case),
            "metric_learning_recall_nmi" => metric_learning(case),
            unknown => panic!("{unknown}: a case of the group eval that no test knows"),
        }
    }
}

fn verification(case: &Case) {
    let same: Vec<bool> = case.integers("issame").iter().map(|&s| s != 0).collect();
    let folds = Folds::contiguous(same.len(), case.hyper_integer("folds")).unwrap();
    let set = VerificationSet::from_interleaved(&case.outputs("embeddings"), same, folds).unwrap();
    let (same, folds) = (set.same(), set.folds());
    let distances = set.squared_distances();
    let coarse: Vec<f64> = arange(0.0, 4.0, 0.01).collect();
    let fine: Vec<f64> = arange(0.0, 4.0, 0.001).collect();

    let judged = |name: &str| convention(name).unwrap().judge(&set);
    let insightface = judged("insightface");
    let all = SortedDistances::new(distances.iter().copied().zip(same.iter().copied()));
    let best = all.first_best(coarse.iter().copied()).unwrap();
    let scores: Vec<f64> = distances.iter().map(|d| -d).collect();
    let roc = Roc::new(&scores, same).unwrap();
    let grid = fold_averaged_roc(&distances, same, folds, coarse.iter().copied());
    let rates = |of: fn(&RocPoint) -> f64| grid.points().iter().map(of).collect::<Vec<_>>();
    let val = |far: &str| val_at_far(&distances, same, folds, &fine, exponent(far));
    // The cosine of a pair may lie on a grid point, where rounding decides: one pair may flip.
    let one_pair = 1.0 / same.len() as f64 + 1e-9;
    let of_val = |far: &str, of: fn(ValAtFar) -> f64| (vec![of(val(far))], 1e-3);

    case.check(|output| {
        let exact = |value: f64| (vec![value], 1e-9);
        let close = |value: f64| (vec![value], 1e-6);
        Some(match output {
            "accuracy_mean" => exact(mean(&insightface.accuracies)),
            "accuracy_std" => exact(population_std(&insightface.accuracies)),
            "accuracy_per_fold" => (insightface.accuracies.clone(), 1e-12),
            "best_threshold_per_fold" => (insightface.thresholds.clone(), 1e-12),
            "global_best_accuracy" => exact(all.accuracy(best)),
            "global_best_threshold" => exact(best),
            "facenet_cosine_accuracy_mean" => {
                (vec![mean(&judged("facenet-cosine").accuracies)], one_pair)
            }
            "facenet_subtract_mean_accuracy_mean" => {
                (vec![mean(&judged("facenet-mean").accuracies)], one_pair)
            }
            "auc" => close(auc::auc(&roc)),
            "eer" => close(eer::eer(&roc).unwrap()),
            "auc_grid" => close(auc::auc(&grid)),
            "eer_grid" => close(eer::eer(&grid).unwrap()),
            "tpr_grid" => (rates(|p| p.tar), 1e-7),
            "fpr_grid" => (rates(|p| p.far), 1e-7),
            _ => {
                if let Some(far) = output.strip_prefix("tar_ijb_far") {
                    close(tar_at_far::nearest(&roc, exponent(far)))
                } else if let Some(far) = output.strip_prefix("tar_strict_far") {
                    close(tar_at_far::strict(&roc, exponent(far)))
                } else if let Some(far) = output.strip_prefix("val_at_far") {
                    of_val(far, |v| v.val)
                } else if let Some(far) = output.strip_prefix("val_std_at_far") {
                    of_val(far, |v| v.val_std)
                } else if let Some(far) = output.strip_prefix("far_achieved_") {
                    of_val(far, |v| v.far)
                } else {
                    return None;
                }
            }
        })
    });
}

/// `1e3` in an output's name stands for a rate of 1e-3.
fn exponent(far: &str) -> f64 {
    far.replace('e', "e-").parse().unwrap_or_else(|_| panic!("a rate written as {far}"))
}

fn identification(case: &Case) {
    let gallery = case.outputs("gallery");
    let ids: Vec<usize> = (0..gallery.len()).collect();
    let probe_ids = case.labels("probe_ids");
    let probes = case.outputs("probes");
    let impostors = case.outputs("impostors");
    let strangers = vec![usize::MAX; impostors.len()];
    let mated = match_probes(&gallery, &ids, &probes, &probe_ids).unwrap();
    let mut all = mated.clone();
    all.extend(match_probes(&gallery, &ids, &impostors, &strangers).unwrap());

    let rates = case.hyper_numbers("FPIR");
    let at_each = |of: &dyn Fn(&[ProbeMatch], f64) -> f64| -> Vec<f64> {
        rates.iter().map(|&rate| of(&all, open_set::threshold_at_fpir(&all, rate))).collect()
    };
    let one_to_many =
        |far: f64| one_to_many::recall_at_far(&gallery, &probes, &probe_ids, far).unwrap();
    let integer = |text: &str| text.parse::<usize>().unwrap();

    case.check(|output| {
        Some(match output {
            "thresholds" => (at_each(&|_, threshold| threshold), 1e-6),
            "fpir_achieved" => (at_each(&open_set::fpir), 1e-7),
            "insightface_1n_th" => {
                (vec![one_to_many(0.01).threshold, one_to_many(0.1).threshold], 1e-6)
            }
            _ => {
                if let Some(k) = output.strip_prefix("tpir_rank") {
                    let k = integer(k);
                    (at_each(&|matches, threshold| open_set::tpir(matches, threshold, k)), 1e-7)
                } else if let Some(k) = output.strip_prefix("rank") {
                    (vec![rank_k(&mated, integer(k))], 1e-7)
                } else if let Some(k) = output.strip_prefix("insightface_top") {
                    (vec![rank_k(&mated, integer(k))], 1e-7)
                } else if let Some(digits) = output.strip_prefix("insightface_1n_pr_far") {
                    let far: f64 = format!("0.{digits}").parse().unwrap();
                    (vec![one_to_many(far).recall], 1e-7)
                } else {
                    return None;
                }
            }
        })
    });
}

fn classification(case: &Case) {
    let (logits, labels) = (case.outputs("logits"), case.labels("labels"));
    let ranks = label_ranks(&logits, &labels).unwrap();
    case.check(|output| {
        Some(match output {
            "nll" => (vec![softmax::negative_log_likelihood(&logits, &labels).unwrap()], 1e-6),
            "brier" => (vec![brier::brier(&logits, &labels).unwrap()], 1e-6),
            "mean_class_accuracy" => (vec![mean_class_accuracy(&ranks, &labels)], 1e-6),
            _ => {
                if let Some(bins) = output.strip_prefix("ece") {
                    let bins = bins.parse().unwrap();
                    let ece = expected_calibration::expected_calibration_error;
                    (vec![ece(&logits, &labels, bins).unwrap()], 1e-5)
                } else if let Some(k) =
                    output.strip_prefix("top").and_then(|k| k.strip_suffix("_percent"))
                {
                    (vec![100.0 * top_k(&ranks, k.parse().unwrap())], 1e-4)
                } else {
                    return None;
                }
            }
        })
    });
}

fn metric_learning(case: &Case) {
    let (embeddings, labels) = (case.outputs("embeddings"), case.labels("labels"));
    let ranks = recall::companion_ranks(&embeddings, &labels).unwrap();
    let assignment = case.labels("cluster_assignment");
    let truth = case.labels("kmeans_true_labels");
    let clusters =
        kmeans::kmeans(&case.outputs("kmeans_embeddings"), case.hyper_integer("k"), 1).unwrap();
    let part = |name: &str| -> (Outputs, Vec<usize>) {
        let index = case.labels(name);
        (embeddings.select(index.iter().copied()), index.iter().map(|&i| labels[i]).collect())
    };
    let ((queries, query_labels), (gallery, gallery_labels)) =
        (part("query_index"), part("gallery_index"));
    let retrieval =
        |ranks| retrieve(&queries, &query_labels, &gallery, &gallery_labels, ranks).unwrap();
    let nmi = normalised_mutual_information;

    case.check(|output| {
        Some(match output {
            "nmi_assignment" => (vec![nmi(&labels, &assignment, Normaliser::Arithmetic)], 1e-6),
            "nmi_assignment_geometric" => {
                (vec![nmi(&labels, &assignment, Normaliser::Geometric)], 1e-6)
            }
            "ari_assignment" => (vec![rand_index::adjusted_rand_index(&labels, &assignment)], 1e-6),
            "nmi_kmeans" => (vec![nmi(&truth, &clusters.labels, Normaliser::Arithmetic)], 1e-6),
            "kmeans_inertia" => (vec![clusters.inertia], 1e-4 * clusters.inertia),
            "reid_mAP" => (vec![retrieval(1).mean_average_precision], 1e-6),
            "reid_cmc" => (retrieval(case.expected(output).len()).cmc, 1e-7),
            _ => {
                let k = output.strip_prefix("recall_")?;
                (vec![recall::recall_at_k(&ranks, k.parse().unwrap())], 1e-7)
            }
        })
    });
}
