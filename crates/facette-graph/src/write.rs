//! Files that are either whole or not there.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use crate::error::GraphError;

/// Writes `bytes` to a temporary file beside `path`, forces it to disk and renames it.
pub(crate) fn whole(path: &Path, bytes: &[u8]) -> Result<(), GraphError> {
    let failed = |action| move |source| GraphError::Io { action, source }.of(path);
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".facette-")
        .suffix(".part")
        .tempfile_in(folder)
        .map_err(failed("create a temporary file beside it"))?;
    file.write_all(bytes).map_err(failed("write its temporary file"))?;
    file.as_file().sync_all().map_err(failed("force its temporary file to disk"))?;
    let file = file
        .persist(path)
        .map_err(|error| failed("rename its temporary file to it")(error.error))?;
    open_to_readers(&file).map_err(failed("set its permissions"))?;
    if cfg!(unix) {
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed("force its folder to disk"))?;
    }
    Ok(())
}

/// Temporary files are private; a finished file has the usual permissions.
#[cfg(unix)]
fn open_to_readers(file: &File) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    file.set_permissions(std::fs::Permissions::from_mode(0o644))
}

#[cfg(not(unix))]
fn open_to_readers(_: &File) -> std::io::Result<()> {
    Ok(())
}
