//! Layers in fixed point.

use super::*;

/// The sums of rounded values by rounded weights to the last bit, and what a layer of floats yields
/// within what the rounding makes of it.
pub(crate) fn check_fixed(s: &ConvShape, o: &ConvOptions, k: [usize; 2]) {
    for reach in [Fixed::REACH, 1.5] {
        check_reaching(reach, s, o, k);
    }
}

fn check_reaching(reach: f32, s: &ConvShape, o: &ConvOptions, k: [usize; 2]) {
    let [batch, inputs, height, width] = s.input_size();
    let outputs = s.out_channels();
    // Some are out of reach.
    let mut x = values(batch * height * width * pitch(inputs), 1);
    x.iter_mut().step_by(7).for_each(|x| *x *= 8.0);
    for pixel in x.chunks_exact_mut(pitch(inputs)) {
        pixel[inputs..].fill(f32::NAN);
    }
    let w = values(s.weight_len(), 2);
    let Some((whole, scale)) = Fixed::weights(&w, outputs, reach) else {
        assert!(s.weight_len() / outputs > Fixed::INPUTS);
        return;
    };
    let (bias, residual) =
        (values(outputs, 4), values(batch * s.out_height() * s.out_width() * pitch(outputs), 3));
    let rest = |i: usize| residual[i / outputs * pitch(outputs) + i % outputs];
    let finish = Finish::new(scale.clone(), bias.clone());
    let layer = Conv::<Fixed>::new(s, &whole, finish).reaching(reach);
    let source = Source { values: &x[..], code: () };
    let other = Source { values: &residual[..], code: () };

    let unit = 16384.0 / reach;
    let steps = |x: f32| f64::from(x * unit).round_ties_even().clamp(-16384.0, 16384.0);
    let wide: Vec<f64> = whole.iter().map(|&w| w.into()).collect();
    let sums_of_steps = sums(s, |i| steps(x[i]), &wide, o, k);
    // In steps of which there are `unit` in 1.
    let finished = |i: usize, unit: f32| {
        let sum = sums_of_steps[i] as i32 as f32;
        (sum * (scale[i % outputs] * unit) + bias[i % outputs] * unit) + rest(i) * unit
    };
    let exact: Vec<f32> = (0..sums_of_steps.len()).map(|i| finished(i, 1.0)).collect();
    for y in run::<_, f32, f32>(&layer, s, source, Some(other), ()) {
        assert_eq!(channels(&y, outputs), exact, "{} {s:?}", layer.method());
    }
    let step = code(6.0 / 255.0, 100);
    let in_steps = |i: usize| u8::write(finished(i, 1.0 / step.scale()), code(1.0, step.zero()));
    let bytes: Vec<u8> = (0..exact.len()).map(in_steps).collect();
    for y in run::<_, f32, u8>(&layer, s, source, Some(other), step) {
        assert_eq!(channels(&y, outputs), bytes, "{} {s:?}", layer.method());
    }

    let wide: Vec<f64> = w.iter().map(|&w| w.into()).collect();
    let floats: Vec<f64> = sums(s, |i| f64::from(x[i].clamp(-reach, reach)), &wide, o, k)
        .iter()
        .enumerate()
        .map(|(i, &sum)| sum + f64::from(bias[i % outputs]) + f64::from(rest(i)))
        .collect();
    // Half a step of each value, and of each weight times the reach.
    let inputs = s.weight_len() / outputs;
    for (i, (found, expected)) in exact.iter().zip(&floats).enumerate() {
        let row = i % outputs * inputs;
        let of_values =
            wide[row..row + inputs].iter().map(|w| w.abs()).sum::<f64>() / f64::from(2.0 * unit);
        let half_a_step = 0.5 * f64::from(unit) * f64::from(scale[i % outputs]);
        let of_weights = inputs as f64 * half_a_step * f64::from(reach);
        let apart = (f64::from(*found) - expected).abs();
        assert!(apart <= 1.01 * (of_values + of_weights) + 1e-5, "{apart} {s:?}");
    }
}

#[test]
fn the_largest_sums_in_fixed_point_fit() {
    let o = ConvOptions { padding: [1, 1], ..ConvOptions::default() };
    for (channels, kernel) in [(1, 3), (3, 3), (3, 7), (3, 9), (56, 3)] {
        let s = ConvShape::new([1, channels, 8, 8], 8, [kernel; 2], o).unwrap();
        for weight in [1.0, -0.3].into_iter().filter(|_| fits(&s)) {
            let w = vec![weight; s.weight_len()];
            let (whole, scale) = Fixed::weights(&w, 8, Fixed::REACH).unwrap();
            let layer = Conv::<Fixed>::new(&s, &whole, Finish::new(scale, vec![0.0; 8]));
            for end in [4.0, -4.0, 1e9, f32::NEG_INFINITY] {
                let x = vec![end; 64 * pitch(channels)];
                let clamped = f64::from(end.clamp(-4.0, 4.0));
                let wide: Vec<f64> = w.iter().map(|&w| w.into()).collect();
                let expected = sums(&s, |_| clamped, &wide, &o, [kernel; 2]);
                let source = Source { values: &x[..], code: () };
                for y in run::<_, f32, f32>(&layer, &s, source, None, ()) {
                    assert!(near(&y, (), 8, &expected, 2e-3), "{channels} {kernel} {weight}");
                }
            }
        }
    }
}

/// What reads a picture, of the usual shapes: the error of the rounding.
#[test]
fn fixed_point_is_fine_enough_for_pictures() {
    let o = ConvOptions { padding: [1, 1], ..ConvOptions::default() };
    for (inputs, kernel) in [(1, 3), (3, 3), (3, 5), (3, 7)] {
        let s = ConvShape::new([2, inputs, 16, 16], 32, [kernel; 2], o).unwrap();
        if !fits(&s) {
            continue;
        }
        let x = values(512 * pitch(inputs), 1);
        let w = values(s.weight_len(), 2);
        let (whole, scale) = Fixed::weights(&w, 32, Fixed::REACH).unwrap();
        let layer = Conv::<Fixed>::new(&s, &whole, Finish::new(scale, vec![0.0; 32]));
        let wide: Vec<f64> = w.iter().map(|&w| w.into()).collect();
        let expected = sums(&s, |i| x[i].into(), &wide, &o, [kernel; 2]);
        let source = Source { values: &x[..], code: () };
        for y in run::<_, f32, f32>(&layer, &s, source, None, ()) {
            assert!(near(&y, (), 32, &expected, 5e-4), "{inputs} {kernel}");
        }
    }
}

#[test]
fn every_level_finishes_pictures_alike() {
    let table = [
        (3, 16, 32, 3, 1),
        (3, 16, 16, 3, 2),
        (1, 24, 48, 5, 1),
        (3, 8, 8, 3, 1),
        (4, 8, 32, 1, 1),
    ];
    let shapes = if cfg!(miri) { 0 } else { table.len() };
    for (inputs, size, outputs, kernel, stride) in table.into_iter().take(shapes) {
        let options =
            ConvOptions { stride: [stride; 2], padding: [kernel / 2; 2], ..ConvOptions::default() };
        let s = ConvShape::new([3, inputs, size, size], outputs, [kernel; 2], options).unwrap();
        let mut x = values(3 * size * size * pitch(inputs), 1);
        x.iter_mut().step_by(5).for_each(|x| *x *= 6.0);
        let (weight, scale) =
            Fixed::weights(&values(s.weight_len(), 2), outputs, Fixed::REACH).unwrap();
        for (finish, with_residual) in super::bytes::finishes(outputs, &scale) {
            let layer = Conv::<Fixed>::new(&s, &weight, finish);
            let source = Source { values: &x[..], code: () };
            let residual = bytes(3 * s.out_height() * s.out_width() * pitch(outputs), 3);
            let other = Source { values: &residual[..], code: code(0.01, 128) };
            for to in [code(0.02, 0), code(0.02, 99)] {
                let other = with_residual.then_some(other);
                let all = run::<_, u8, u8>(&layer, &s, source, other, to);
                let expected = channels(&all[0], outputs);
                for (y, level) in all.iter().zip(Level::available()) {
                    assert!(channels(y, outputs) == expected, "{level:?} {s:?}");
                }
            }
        }
    }
}
