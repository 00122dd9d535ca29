//! Whether a file is a program that needs nothing but the kernel (elf(5)).

/// e_machine of this host.
const MACHINE: u16 = if cfg!(target_arch = "aarch64") { 183 } else { 62 };

/// The program header that names a dynamic loader.
const PT_INTERP: u32 = 3;

/// Checks that the file is a static program for this host's processor; else says why not.
pub(super) fn check_static(file: &[u8]) -> Result<(), String> {
    let short = || "it is cut short".to_owned();
    if file.get(..6) != Some(b"\x7fELF\x02\x01") {
        return Err("it is not a 64-bit little-endian ELF file".to_owned());
    }
    let machine = u16_at(file, 18).ok_or_else(short)?;
    if machine != MACHINE {
        return Err(format!("it is for machine {machine} (e_machine), and this is {MACHINE}"));
    }
    let headers = usize::try_from(u64_at(file, 32).ok_or_else(short)?).map_err(|_| short())?;
    let size = usize::from(u16_at(file, 54).ok_or_else(short)?);
    for number in 0..usize::from(u16_at(file, 56).ok_or_else(short)?) {
        let kind = headers.checked_add(number * size).and_then(|at| u32_at(file, at)).ok_or_else(short)?;
        if kind == PT_INTERP {
            return Err("it is dynamically linked, and would need the host's libraries".to_owned());
        }
    }
    Ok(())
}

fn bytes_at<const N: usize>(file: &[u8], at: usize) -> Option<[u8; N]> {
    file.get(at..at.checked_add(N)?)?.try_into().ok()
}

fn u16_at(file: &[u8], at: usize) -> Option<u16> {
    bytes_at(file, at).map(u16::from_le_bytes)
}

fn u32_at(file: &[u8], at: usize) -> Option<u32> {
    bytes_at(file, at).map(u32::from_le_bytes)
}

fn u64_at(file: &[u8], at: usize) -> Option<u64> {
    bytes_at(file, at).map(u64::from_le_bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A header with one program header of this type.
    fn program(kind: u32) -> Vec<u8> {
        let mut file = vec![0; 64 + 56];
        file[..6].copy_from_slice(b"\x7fELF\x02\x01");
        file[18..20].copy_from_slice(&MACHINE.to_le_bytes());
        file[32] = 64;
        file[54] = 56;
        file[56] = 1;
        file[64..68].copy_from_slice(&kind.to_le_bytes());
        file
    }

    #[test]
    fn only_what_names_no_loader_is_static() {
        assert_eq!(check_static(&program(1)), Ok(()));
        assert!(check_static(&program(PT_INTERP)).unwrap_err().contains("dynamically linked"));
        assert!(check_static(b"#!/bin/sh").unwrap_err().contains("not a 64-bit"));
        assert_eq!(check_static(&program(1)[..64]), Err("it is cut short".to_owned()));
        let mut other = program(1);
        other[18] = 40;
        assert!(check_static(&other).unwrap_err().contains("machine 40"));
    }
}
