//! What to write instead of an option that was not understood.

use syn::Expr;

use super::attribute::Attribute;
use super::table::Entry;

/// The message about an option that the attribute does not take.
pub(super) fn unknown(attribute: Attribute, name: &str) -> String {
    if let Some(instead) = attribute.instead_of(name) {
        return instead;
    }
    let known: Vec<_> = Entry::names(attribute).map(|option| format!("`{option}`")).collect();
    let known = known.join(", ");
    let nearest = Entry::names(attribute).map(|option| (distance(name, option), option)).min();
    match nearest {
        Some((distance, option)) if distance <= option.len() / 2 => {
            format!("unknown option `{name}`; did you mean `{option}`? expected one of {known}")
        }
        _ => format!("unknown option `{name}`; expected one of {known}"),
    }
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
