//! The bundle's folder: written beside its place, moved there when all of it is complete.

use crate::error::CompileError;
use ar_archive_writer::{
    ArchiveKind, DEFAULT_OBJECT_READER, NewArchiveMember, write_archive_to_stream,
};
use object::{Object, ObjectSection, ObjectSymbol, SectionKind};
use spec_runtime::manifest::{self, Manifest};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// Files of a bundle. Those of an earlier compilation are replaced or removed; others in the folder are left alone.
const FILES: &[&str] = &[
    "model.o",
    "libmodel.a",
    "model.so",
    "model.h",
    "kernels.spv",
    manifest::FILE_NAME,
];

/// A bundle that is being written.
pub struct Output {
    place: PathBuf,
    folder: TempDir,
}

impl Output {
    /// Starts a bundle that will be at `place`.
    ///
    /// # Errors
    /// Something that is not a folder is there, or its parent cannot be written to.
    pub fn start(place: &Path) -> Result<Self, CompileError> {
        if let Ok(metadata) = fs::symlink_metadata(place) {
            let is_folder = fs::metadata(place).is_ok_and(|m| m.is_dir());
            if !is_folder {
                let kind = if metadata.is_symlink() {
                    "link"
                } else {
                    "file"
                };
                return Err(CompileError::Refused(format!(
                    "{} is a {kind}; -o takes a folder",
                    place.display()
                )));
            }
        }
        let beside = match place.parent() {
            _ if place.is_dir() => place,
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let folder = tempfile::Builder::new()
            .prefix(".spec-compile-")
            .tempdir_in(beside);
        Ok(Output {
            place: place.to_owned(),
            folder: folder.map_err(|e| CompileError::writing(beside)(e.kind().into()))?,
        })
    }

    /// Where a file of the bundle is written to.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes a file.
    ///
    /// # Errors
    /// The system's.
    pub fn write(&self, name: &str, contents: impl AsRef<[u8]>) -> Result<PathBuf, CompileError> {
        let path = self.path(name);
        let shown = self.place.join(name);
        fs::write(&path, contents).map_err(CompileError::writing(&shown))?;
        Ok(path)
    }

    /// Moves everything to its place. Returns names and sizes.
    ///
    /// # Errors
    /// The system's. The manifest goes last: without it, a folder is no bundle.
    pub fn finish(self) -> Result<Vec<(String, u64)>, CompileError> {
        let entries =
            fs::read_dir(self.folder.path()).map_err(CompileError::reading(self.folder.path()))?;
        let mut files: Vec<(String, u64)> = entries
            .flatten()
            .filter_map(|e| Some((e.file_name().to_str()?.to_owned(), e.metadata().ok()?.len())))
            .collect();
        let rank = |name: &str| FILES.iter().position(|f| *f == name);
        files.sort_by_key(|(name, _)| {
            (
                name == manifest::FILE_NAME,
                rank(name).unwrap_or(usize::MAX),
                name.clone(),
            )
        });
        if !self.place.exists() {
            readable(self.folder.path())?;
            fs::rename(self.folder.path(), &self.place)
                .map_err(CompileError::writing(&self.place))?;
            // the folder is no longer where it would be removed from
            let _ = self.folder.keep();
            return Ok(files);
        }
        for old in earlier(&self.place) {
            let path = self.place.join(old);
            if path.is_file() {
                fs::remove_file(&path).map_err(CompileError::writing(&path))?;
            }
        }
        for (name, _) in &files {
            let to = self.place.join(name);
            fs::rename(self.path(name), &to).map_err(CompileError::writing(&to))?;
        }
        Ok(files)
    }
}

/// Files of a bundle that is in `folder`: those that every bundle may have, and those that its manifest names. The manifest is first.
fn earlier(folder: &Path) -> Vec<String> {
    let mut files: Vec<String> = FILES.iter().rev().map(|f| (*f).to_owned()).collect();
    let text = fs::read_to_string(folder.join(manifest::FILE_NAME)).unwrap_or_default();
    if let Ok(manifest) = Manifest::from_json(&text) {
        let code = manifest.functions.iter().filter_map(|f| f.gpu.as_ref());
        files.extend(code.flat_map(|c| c.files()).map(|f| f.file.clone()));
    }
    files
}

/// Temporary folders are for their owner alone; a bundle is as readable as a new folder.
fn readable(folder: &Path) -> Result<(), CompileError> {
    use std::os::unix::fs::PermissionsExt;
    let like = folder.join(".mode");
    fs::create_dir(&like).map_err(CompileError::writing(folder))?;
    let mode = fs::metadata(&like).map(|m| m.permissions().mode());
    fs::remove_dir(&like).map_err(CompileError::writing(folder))?;
    let mode = mode.map_err(CompileError::writing(folder))?;
    fs::set_permissions(folder, fs::Permissions::from_mode(mode))
        .map_err(CompileError::writing(folder))
}

/// A static library of objects (name, contents), with an index of their symbols.
///
/// # Errors
/// The objects are not objects: our bug.
pub fn archive(objects: &[(String, Vec<u8>)]) -> Result<Vec<u8>, CompileError> {
    let members: Vec<NewArchiveMember<'_>> = (objects.iter())
        .map(|(name, object)| {
            NewArchiveMember::new(object.as_slice(), &DEFAULT_OBJECT_READER, name.clone())
        })
        .collect();
    let mut out = std::io::Cursor::new(vec![]);
    write_archive_to_stream(&mut out, &members, ArchiveKind::Gnu, false, None).map_err(|e| {
        CompileError::Internal(format!("the static library cannot be written: {e}"))
    })?;
    Ok(out.into_inner())
}

/// Bytes of machine code in an object, and the symbols that it lets others see.
///
/// # Errors
/// It is not an object: our bug.
pub fn inspect(object: &[u8]) -> Result<(u64, Vec<String>), CompileError> {
    let file = object::File::parse(object);
    let file =
        file.map_err(|e| CompileError::Internal(format!("LLVM's object cannot be read: {e}")))?;
    let code = file.sections().filter(|s| s.kind() == SectionKind::Text);
    let global = file
        .symbols()
        .filter(|s| s.is_global() && s.is_definition());
    Ok((
        code.map(|s| s.size()).sum(),
        global
            .filter_map(|s| s.name().ok().map(str::to_owned))
            .collect(),
    ))
}
