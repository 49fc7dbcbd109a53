//! Texts of users, without the codes of invites in them.

/// So many characters of base64url might be a code, or most of one.
const SUSPICIOUS: usize = 16;

/// The length of a fingerprint, which everybody may see.
const FINGERPRINT: usize = crate::identity::Fingerprint::LENGTH;

/// A text for a message: what may be a code, or one that was copied wrongly, is `…`.
///
/// A code stands behind a dot or before an `@`, in links that are right and in those that are nearly right. A name of
/// a file that looks like that is shown as `…` too: better so than the other way round.
pub(crate) fn conceal(text: &str) -> String {
    let mut concealed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find(is_of_code) {
        let (before, from) = rest.split_at(start);
        let (run, after) = from.split_at(from.find(|character| !is_of_code(character)).unwrap_or(from.len()));
        concealed.push_str(before);
        let is_placed = concealed.ends_with('.') || after.starts_with(['@', '=']);
        let hide = is_placed && run.len() >= SUSPICIOUS && run.len() != FINGERPRINT;
        concealed.push_str(if hide { "…" } else { run });
        rest = after;
    }
    concealed.push_str(rest);
    concealed
}

fn is_of_code(character: char) -> bool {
    character.is_ascii_alphanumeric() || matches!(character, '-' | '_')
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "hSDwCYkwp1R0i33ctD73Wg2_Og0mOBr066SpjqqbTmo";
    const CODE: &str = "AAECAwQFBgcICQoLDA0ODw";

    #[test]
    fn a_code_is_not_shown_however_the_link_was_damaged() {
        for text in [
            format!("skep://{KEY}.{CODE}@h/a"),
            format!("{KEY}.{CODE}@h"),
            format!("skep:/{KEY}.{CODE}"),
            format!("skep://{KEY}{CODE}@h/"),
            format!("skep://{CODE}@h/"),
            format!("skep://{KEY}.{CODE}=@h/: why"),
            format!("\"skep://{KEY}.{}@h/\"", &CODE[1..]),
            format!("tcp://{KEY}:{CODE}@h/"),
        ] {
            let shown = conceal(&text);
            assert!(!shown.contains(&CODE[4..]) && shown.contains('…'), "{shown}");
        }
    }

    #[test]
    fn all_else_is_shown() {
        for text in
            ["", "tcp://bee.example/notes.txt", "skep://h/a@b", "größe.…", &format!("skep://{KEY}@h/")]
        {
            assert_eq!(conceal(text), text);
        }
    }
}
