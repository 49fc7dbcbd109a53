//! What a client makes of what it is told.

use skep_core::wire::session::{FileInfo, Notice};
use std::collections::BTreeMap;

/// Users by number, with their files by number.
#[derive(Clone, Debug, Default)]
pub(super) struct Mirror {
    pub name: String,
    pub me: u32,
    /// It wants the list, and has not said that it knows what it does not.
    pub wants_list: bool,
    pub epoch: u64,
    pub number: u64,
    pub resume: [u8; 16],
    pub users: BTreeMap<u32, (String, bool)>,
    pub files: BTreeMap<u32, (u32, String, FileInfo)>,
}

/// By name what each user shares.
pub(super) type View = BTreeMap<String, BTreeMap<String, FileInfo>>;

impl Mirror {
    pub(super) fn hear(&mut self, notice: &Notice<'_>) {
        match *notice {
            _ if !self.wants_list => {}
            Notice::Came { user, by_command, name } => {
                assert!(user != self.me && name.as_str() != self.name, "it is told of itself");
                self.forget(user);
                // Under another number than before it has lost that one.
                let old = self.users.iter().find(|(_, known)| known.0 == name.as_str());
                if let Some(old) = old.map(|(&old, _)| old) {
                    self.forget(old);
                }
                self.users.insert(user, (name.as_str().to_owned(), by_command));
            }
            Notice::Left { user } => self.forget(user),
            Notice::Shared { file, user, info, name } => {
                assert!(user != self.me, "it is told of its own file");
                assert!(self.users.contains_key(&user), "a file of nobody");
                self.files.retain(|_, (owner, known, _)| *owner != user || known != name.as_str());
                self.files.insert(file, (user, name.as_str().to_owned(), info));
            }
            Notice::Unshared { file } => _ = self.files.remove(&file),
            Notice::Upto { number } => {
                assert!(number >= self.number, "it goes backwards");
                self.number = number;
            }
            _ => {}
        }
    }

    fn forget(&mut self, user: u32) {
        self.users.remove(&user);
        self.files.retain(|_, (owner, ..)| *owner != user);
    }

    /// The list without one user.
    pub(super) fn without(&self, name: &str) -> View {
        let mut view: View = self.users.values().map(|(name, _)| (name.clone(), BTreeMap::new())).collect();
        assert_eq!(view.len(), self.users.len(), "a name is there twice");
        for (owner, file, info) in self.files.values() {
            let files = view.get_mut(&self.users[owner].0).unwrap();
            assert!(files.insert(file.clone(), *info).is_none(), "a file is there twice");
        }
        view.remove(name);
        view
    }
}
