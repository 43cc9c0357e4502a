//! Lists of picture pairs in the format of Labeled Faces in the Wild.
//!
//! ```text
//! 10      300                                  folds, pairs of each kind per fold
//! Abel_Pacheco    1       4                    same person: Abel_Pacheco_0001 and _0004
//! ...                                          299 more
//! Abdel_Madi_Shabneh  1   Dean_Barker  1       different persons
//! ...                                          299 more, then the next fold
//! ```
//!
//! A header with a single number (`pairsDevTest.txt`) means one fold with that many pairs of each
//! kind. Fields are separated by tabs, or by any white space where a line has no tab. Byte order
//! mark, CRLF line ends and blank lines are accepted.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use crate::DataError;
use crate::readers::EXTENSIONS;

/// Longest list that is read, in bytes; the official one has 160 kB.
const LONGEST: u64 = 256 << 20;

/// A list of pairs in folds. Fold order is that of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pairs {
    /// The pairs of each fold.
    pub folds: Vec<Vec<Pair>>,
}

/// Two pictures and whether they show one person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pair {
    /// The first picture.
    pub a: PairSide,
    /// The second picture.
    pub b: PairSide,
    /// Whether both show one person.
    pub same: bool,
}

/// One picture of a pair: the `number`-th of the person `name`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PairSide {
    /// The person, which is also the folder's name.
    pub name: String,
    /// Number of the picture; four digits in the file's name.
    pub number: u32,
}

impl PairSide {
    /// The picture's name: `Name_0001`, as the `lfw` kind of source calls it.
    pub fn id(&self) -> String {
        format!("{}_{:04}", self.name, self.number)
    }

    /// Path without extension below the folder of pictures: `Name/Name_0001`.
    pub fn stem(&self) -> String {
        format!("{}/{}", self.name, self.id())
    }

    /// The picture's file below `root`: the first that exists of `Name/Name_0001.jpg`, `.jpeg`,
    /// `.png` and so on.
    pub fn locate(&self, root: &Path) -> Option<PathBuf> {
        let stem = self.stem();
        EXTENSIONS.iter().map(|e| root.join(format!("{stem}.{e}"))).find(|path| path.is_file())
    }
}

impl Pairs {
    /// Reads a list.
    ///
    /// # Errors
    /// [`DataError::Io`] if the file cannot be read, [`DataError::Record`] with the line's number
    /// if a line is malformed, [`DataError::Layout`] if the number of lines is not what the header
    /// says or the file is no text.
    pub fn read(path: &Path) -> Result<Self, DataError> {
        let length = fs::metadata(path).map_err(DataError::io(path))?.len();
        if length > LONGEST {
            let problem = format!("{length} bytes; a list of pairs has at most {LONGEST}");
            return Err(DataError::layout(path, problem));
        }
        let bytes = fs::read(path).map_err(DataError::io(path))?;
        let text = String::from_utf8(bytes).map_err(|e| {
            let at = e.utf8_error().valid_up_to();
            DataError::layout(path, format!("not a text file in UTF-8 (byte {at})"))
        })?;
        Self::parse(&text, path)
    }

    /// Understands the text of a list; `path` is only for messages.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn parse(text: &str, path: &Path) -> Result<Self, DataError> {
        let mut lines = text
            .trim_start_matches('\u{feff}')
            .lines()
            .enumerate()
            .map(|(i, line)| (i + 1, line.trim()))
            .filter(|(_, line)| !line.is_empty());
        let (first, header) =
            lines.next().ok_or_else(|| DataError::layout(path, "empty; expected a header line"))?;
        let (folds, each) = parse_header(header)
            .map_err(|problem| DataError::record(path, format!("line {first}"), problem))?;

        let lines: Vec<(usize, &str)> = lines.collect();
        let expected = folds.checked_mul(each).and_then(|half| half.checked_mul(2));
        if expected != Some(lines.len()) {
            return Err(DataError::layout(
                path,
                format!(
                    "the header `{header}` promises {folds} folds of {each} + {each} pairs, but \
                     {} lines follow",
                    lines.len()
                ),
            ));
        }
        let folds = lines
            .chunks(2 * each)
            .enumerate()
            .map(|(k, lines)| parse_fold(lines, k + 1, each, path))
            .collect::<Result<_, _>>()?;
        Ok(Self { folds })
    }

    /// Number of pairs in all folds.
    pub fn len(&self) -> usize {
        self.folds.iter().map(Vec::len).sum()
    }

    /// Whether there is no pair; never so for a list that was read.
    pub fn is_empty(&self) -> bool {
        self.folds.iter().all(Vec::is_empty)
    }

    /// All pairs in the order of the file.
    pub fn iter(&self) -> impl Iterator<Item = &Pair> {
        self.folds.iter().flatten()
    }

    /// Every picture that occurs, once, in the order of first mention; and for every pair the
    /// places of its two pictures in that list.
    pub fn distinct(&self) -> (Vec<&PairSide>, Vec<(usize, usize)>) {
        let mut places: BTreeMap<&PairSide, usize> = BTreeMap::new();
        let mut sides = Vec::new();
        let mut place = |side| {
            *places.entry(side).or_insert_with(|| {
                sides.push(side);
                sides.len() - 1
            })
        };
        let indices = self.iter().map(|pair| (place(&pair.a), place(&pair.b))).collect();
        (sides, indices)
    }
}

fn parse_header(line: &str) -> Result<(usize, usize), String> {
    let expected = "expected a header of one or two whole numbers, `folds <tab> pairs of each kind \
                    per fold`, both at least 1";
    let numbers: Option<Vec<usize>> =
        line.split_whitespace().map(|field| field.parse().ok()).collect();
    match numbers.as_deref() {
        Some(&[each]) if each > 0 => Ok((1, each)),
        Some(&[folds, each]) if folds > 0 && each > 0 => Ok((folds, each)),
        _ => Err(format!("{expected}; found `{}`", shortened(line))),
    }
}

fn parse_fold(
    lines: &[(usize, &str)],
    fold: usize,
    each: usize,
    path: &Path,
) -> Result<Vec<Pair>, DataError> {
    let pairs: Vec<Pair> = lines
        .iter()
        .map(|&(number, line)| {
            parse_pair(line)
                .map_err(|problem| DataError::record(path, format!("line {number}"), problem))
        })
        .collect::<Result<_, _>>()?;
    let same = pairs.iter().filter(|pair| pair.same).count();
    if same != each {
        let place = format!("lines {} to {}", lines[0].0, lines[lines.len() - 1].0);
        let problem = format!(
            "fold {fold} has {same} same and {} different pairs, expected {each} of each",
            pairs.len() - same
        );
        return Err(DataError::record(path, place, problem));
    }
    Ok(pairs)
}

fn parse_pair(line: &str) -> Result<Pair, String> {
    let fields: Vec<&str> = if line.contains('\t') {
        line.split('\t').map(str::trim).filter(|field| !field.is_empty()).collect()
    } else {
        line.split_whitespace().collect()
    };
    match fields[..] {
        [name, a, b] => Ok(Pair { a: side(name, a)?, b: side(name, b)?, same: true }),
        [a, _, b, _] if a == b => Err(format!(
            "a pair of different persons, but both are `{}`; a pair of one person has three \
             fields, `name i j`",
            shortened(a)
        )),
        [a, i, b, j] => Ok(Pair { a: side(a, i)?, b: side(b, j)?, same: false }),
        _ => Err(format!(
            "expected 3 fields (`name i j`) or 4 (`name i name j`), found {} in `{}`",
            fields.len(),
            shortened(line)
        )),
    }
}

/// A name becomes part of a path: it must be a plain file name, or a list could read anywhere.
fn side(name: &str, number: &str) -> Result<PairSide, String> {
    let plain = !name.starts_with('.') && !name.contains(['/', '\\', '\0', ':']);
    if !plain {
        return Err(format!(
            "`{}` is no name of a person: it must not begin with a dot or hold / \\ or :",
            shortened(name)
        ));
    }
    let number = number
        .parse()
        .map_err(|_| format!("expected the number of a picture, found `{}`", shortened(number)))?;
    Ok(PairSide { name: name.to_owned(), number })
}

fn shortened(text: &str) -> String {
    match text.char_indices().nth(60) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn parse(text: &str) -> Result<Pairs, String> {
        Pairs::parse(text, Path::new("pairs.txt")).map_err(|e| e.to_string())
    }

    #[test]
    fn two_folds_and_a_single_one() {
        let pairs =
            parse("2\t1\nAnn\t1\t2\nAnn\t1\tBob\t7\nBob\t3\t4\nCy D\t1\tBob\t12\n").unwrap();
        assert_eq!(pairs.folds.len(), 2);
        assert_eq!(pairs.len(), 4);
        assert!(pairs.folds[0][0].same && !pairs.folds[1][1].same);
        assert_eq!(pairs.folds[1][1].a.stem(), "Cy D/Cy D_0001");
        assert_eq!(pairs.folds[1][1].b.stem(), "Bob/Bob_0012");
        let single = parse("\u{feff}1\r\nAnn 1 2\r\n\r\nAnn 1 Bob 1\r\n").unwrap();
        assert_eq!((single.folds.len(), single.len()), (1, 2));
    }

    #[test]
    fn each_picture_is_listed_once() {
        let pairs = parse("1 2\nAnn 1 2\nAnn 2 3\nAnn 1 Bob 1\nBob 1 Cy 1\n").unwrap();
        let (sides, indices) = pairs.distinct();
        let stems: Vec<String> = sides.iter().map(|side| side.stem()).collect();
        assert_eq!(
            stems,
            ["Ann/Ann_0001", "Ann/Ann_0002", "Ann/Ann_0003", "Bob/Bob_0001", "Cy/Cy_0001"]
        );
        assert_eq!(indices, [(0, 1), (1, 2), (0, 3), (3, 4)]);
    }

    #[test]
    fn malformed_lists_are_named_by_line() {
        let cases = [
            ("", "empty"),
            ("Ann 1 2\n", "line 1"),
            ("0 5\n", "line 1"),
            ("10 300 1\n", "line 1"),
            ("1 1\nAnn 1 2\n", "1 lines follow"),
            ("99999999999 99999999999\nAnn 1 2\n", "promises"),
            ("1 1\nAnn 1 2\n\nAnn 1\n", "line 4"),
            ("1 1\nAnn 1 x\nAnn 1 Bob 1\n", "line 2"),
            ("1 1\nAnn 1 -2\nAnn 1 Bob 1\n", "line 2"),
            ("1 1\nAnn 1 2\nAnn 1 Ann 3\n", "line 3"),
            ("1 1\nAnn 1 2\nAnn 1 ../../etc 3\n", "line 3"),
            ("1 1\nAnn 1 2\nBob 1 2\n", "lines 2 to 3: fold 1 has 2 same"),
        ];
        for (text, expected) in cases {
            let message = parse(text).unwrap_err();
            assert!(message.contains(expected), "{text:?}: {message}");
            assert!(message.starts_with("pairs.txt"), "{message}");
        }
    }

    #[test]
    fn files_are_found_by_any_known_extension() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("Ann")).unwrap();
        fs::write(folder.path().join("Ann/Ann_0002.png"), b"").unwrap();
        let side = |number| PairSide { name: "Ann".into(), number };
        assert_eq!(side(2).locate(folder.path()), Some(folder.path().join("Ann/Ann_0002.png")));
        assert_eq!(side(1).locate(folder.path()), None);
    }

    #[test]
    fn binary_files_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("pairs.txt");
        fs::write(&path, b"1\t1\nAnn\t1\t\xff\n").unwrap();
        assert!(Pairs::read(&path).unwrap_err().to_string().contains("UTF-8 (byte 10)"));
        assert!(Pairs::read(&folder.path().join("none.txt")).is_err());
    }

    proptest! {
        #[test]
        fn no_text_panics(text in "[0-9a-zA-Z_./\t \n\r]{0,200}") {
            let _ = parse(&text);
        }

        #[test]
        fn written_lists_are_read_back(
            folds in prop::collection::vec(("[A-Z][a-z_]{0,8}", 1u32..20_000, 1u32..20_000), 1..6),
        ) {
            let mut text = format!("{}\t1\n", folds.len());
            for (name, i, j) in &folds {
                text += &format!("{name}\t{i}\t{j}\n{name}\t{i}\t{name}x\t{j}\n");
            }
            let pairs = parse(&text).unwrap();
            for (fold, (name, i, j)) in pairs.folds.iter().zip(&folds) {
                prop_assert_eq!(&fold[0].a, &PairSide { name: name.clone(), number: *i });
                prop_assert_eq!(fold[0].b.number, *j);
                prop_assert_eq!(&fold[1].b.name, &format!("{name}x"));
            }
        }
    }
}
