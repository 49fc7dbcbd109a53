//! The primitives of the sealed transport on a host.
//!
//! AWS-LC where it is built in (Linux, with the feature `aws-lc`): its ciphers are two to three times as fast as those
//! of the core's default provider, and its key agreement takes two thirds of the time. That provider is what other systems
//! have. AWS-LC takes a C compiler to build, and no compiler for other systems is asked of those who only check that skep
//! compiles there.

#[cfg(all(target_os = "linux", feature = "aws-lc"))]
mod aws_lc;

#[cfg(all(target_os = "linux", feature = "aws-lc"))]
pub use aws_lc::AwsLc as HostProvider;
#[cfg(not(all(target_os = "linux", feature = "aws-lc")))]
pub use skep_core::seal::RustCrypto as HostProvider;

/// Gives back what is kept of ciphers only to be faster.
pub(crate) fn rest() {
    #[cfg(all(target_os = "linux", feature = "aws-lc"))]
    aws_lc::rest();
}
