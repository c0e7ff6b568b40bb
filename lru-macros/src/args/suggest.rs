//! What to write instead of an option that was not understood.

use syn::Expr;

use super::attribute::Attribute;
use super::synonyms;
use super::table::Entry;

/// How many options are suggested.
const MOST: usize = 3;

/// An option that the attribute does not take.
pub(super) struct Unknown {
    /// The message about it.
    pub(super) message: String,
    /// The option that it most likely stands for.
    pub(super) meant: Option<&'static str>,
}

/// Says what to write instead of an option that the attribute does not take.
pub(super) fn unknown(attribute: Attribute, name: &str) -> Unknown {
    if let Some(message) = attribute.instead_of(name) {
        return Unknown { message, meant: None };
    }
    if let Some((meant, instead)) = synonyms::instead_of(attribute, name) {
        return Unknown { message: format!("unknown option `{name}`; {instead}"), meant };
    }
    let nearest = nearest(attribute, name);
    let quoted: Vec<_> = nearest.iter().map(|option| format!("`{option}`")).collect();
    let message = match &*quoted {
        [] => {
            let attribute = attribute.name();
            format!("unknown option `{name}`; the documentation of `#[{attribute}]` lists the options")
        }
        [one] => format!("unknown option `{name}`; did you mean {one}?"),
        [others @ .., last] => {
            format!("unknown option `{name}`; did you mean {} or {last}?", others.join(", "))
        }
    };
    let meant = nearest.first().copied();
    Unknown { message, meant }
}

/// The options whose names are nearest to `name`, the nearest first.
fn nearest(attribute: Attribute, name: &str) -> Vec<&'static str> {
    let name = name.to_lowercase();
    let most = name.chars().count().max(3) / 3;
    let far = most + 1;
    let words = format!("_{name}_");
    let mut options: Vec<_> = Entry::names(attribute)
        .filter_map(|option| {
            let distance = distance(&name, option);
            // `errors` is a part of `cache_errors`.
            let is_part = format!("_{option}_").contains(&words);
            (distance <= most || is_part).then(|| (distance.min(far), option))
        })
        .collect();
    options.sort_by_key(|(distance, _)| *distance);
    // Next to a slip of one letter, other options are no help.
    let least = options.first().map_or(0, |(distance, _)| *distance);
    let near = options.into_iter().filter(|(distance, _)| *distance <= least + 1);
    near.map(|(_, option)| option).take(MOST).collect()
}

/// The option that an expression without `=` seems to mean: `typed`, `maxsize(8)`.
pub(super) fn option_in(expr: &Expr, attribute: Attribute) -> Option<(String, &'static Entry)> {
    let path = match expr {
        Expr::Path(path) => path,
        Expr::Call(call) => match &*call.func {
            Expr::Path(path) => path,
            _ => return None,
        },
        _ => return None,
    };
    let name = path.path.get_ident()?.to_string();
    Entry::find(attribute, &name).map(|entry| (name, entry))
}

/// How many letters must be changed, added or removed to turn one word into the other.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (above, a) in one.chars().enumerate() {
        let (mut diagonal, mut left) = (above, above + 1);
        let mut next = vec![left];
        for (b, &up) in other.chars().zip(row.iter().skip(1)) {
            left = (diagonal + usize::from(a != b)).min(up + 1).min(left + 1);
            diagonal = up;
            next.push(left);
        }
        row = next;
    }
    row.last().copied().unwrap_or_default()
}
