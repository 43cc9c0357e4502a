//! Layers of bytes with all that may follow them.

use super::*;

/// What follows the sums: rectifiers before and behind a residual.
pub(crate) fn finishes(outputs: usize, scale: &[f32]) -> Vec<(Finish, bool)> {
    let plain = || Some(Rectifier::new(vec![0.0; outputs], f32::INFINITY));
    let capped = || Some(Rectifier::new(vec![0.0; outputs], 1.5));
    let sloped = || {
        let slopes = (0..outputs).map(|c| c as f32 * 0.01 - 0.2).collect();
        Some(Rectifier::new(slopes, f32::INFINITY))
    };
    let steep = || Some(Rectifier::new(vec![2.5; outputs], f32::INFINITY));
    [
        (None, None, false),
        (None, None, true),
        (plain(), None, false),
        (capped(), None, false),
        (sloped(), None, false),
        (None, plain(), true),
        (None, capped(), true),
        (None, sloped(), true),
        (plain(), plain(), true),
        (sloped(), plain(), true),
        (sloped(), sloped(), false),
        (steep(), None, false),
    ]
    .into_iter()
    .map(|(inner, outer, residual)| {
        (Finish::new(scale.to_vec(), values(outputs, 4)).inner(inner).outer(outer), residual)
    })
    .collect()
}

#[test]
fn every_level_finishes_layers_of_bytes_alike() {
    let table: [(usize, [usize; 3], usize, usize, usize); 11] = [
        // Pictures, input, outputs, kernel, stride.
        (3, [32, 16, 16], 32, 3, 1),
        (2, [32, 16, 16], 64, 3, 2),
        (2, [32, 16, 16], 48, 1, 2),
        (3, [64, 8, 8], 64, 3, 1),
        (7, [96, 4, 4], 96, 3, 1),
        (6, [96, 4, 4], 40, 3, 1),
        (3, [16, 8, 8], 16, 3, 1),
        (5, [24, 6, 6], 24, 3, 1),
        (2, [16, 10, 10], 80, 5, 1),
        (2, [128, 4, 4], 48, 3, 1),
        (3, [24, 7, 16], 16, 3, 1),
    ];
    let shapes = if cfg!(miri) { 0 } else { table.len() };
    for (batch, [inputs, height, width], outputs, kernel, stride) in table.into_iter().take(shapes)
    {
        let options =
            ConvOptions { stride: [stride; 2], padding: [kernel / 2; 2], ..ConvOptions::default() };
        let input = [batch, inputs, height, width];
        let s = ConvShape::new(input, outputs, [kernel; 2], options).unwrap();
        let x = bytes(batch * height * width * pitch(inputs), 1);
        let w: Vec<i8> = values(s.weight_len(), 2).iter().map(|v| (v * 127.0) as i8).collect();
        let scale: Vec<f32> = (0..outputs).map(|c| 2e-4 + 1e-5 * c as f32).collect();
        let len = batch * s.out_height() * s.out_width() * pitch(outputs);
        let residual = bytes(len, 3);
        // Where the picture's border is not 0, and where nothing has to be taken off its bytes, nor off
        // the residual's; where negative results are 0 by themselves, and where they are not; and steps
        // so small that sums would not fit 32 bits.
        for (of_x, of_residual, of_y) in [
            (code(0.02, 77), code(0.01, 128), code(0.03, 0)),
            (code(0.02, 0), code(0.01, 0), code(0.03, 0)),
            (code(0.02, 0), code(0.01, 0), code(0.03, 90)),
            (code(0.02, 0), code(0.01, 128), code(1e-6, 90)),
        ] {
            for (finish, with_residual) in finishes(outputs, &scale) {
                let layer = Conv::<Whole>::new(&s, &w, finish);
                let source = Source { values: &x[..], code: of_x };
                let other = Source { values: &residual[..], code: of_residual };
                let all =
                    run::<_, u8, u8>(&layer, &s, source, with_residual.then_some(other), of_y);
                let expected = channels(&all[0], outputs);
                for (y, level) in all.iter().zip(Level::available()) {
                    assert!(channels(y, outputs) == expected, "{level:?} {s:?} {of_y:?}");
                }
            }
        }
    }
}
