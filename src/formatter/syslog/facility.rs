//! Syslog facilities.

use std::fmt;
use std::str::FromStr;

use crate::error::{Error, Problem};

/// A syslog facility: the kind of program that a message comes from (RFC 5424, section 6.2.1).
///
/// The names are those of CPython's `SysLogHandler`.
///
/// # Examples
///
/// ```
/// use femtologging::formatter::SyslogFacility;
///
/// assert_eq!("local0".parse::<SyslogFacility>()?, SyslogFacility::Local0);
/// assert_eq!(SyslogFacility::Local0.number(), 16);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[repr(u8)]
pub enum SyslogFacility {
    /// The kernel.
    Kern,
    /// Any program.
    #[default]
    User,
    /// The mail system.
    Mail,
    /// Services without a facility of their own.
    Daemon,
    /// Security and authorization.
    Auth,
    /// The syslog service itself.
    Syslog,
    /// Printing.
    Lpr,
    /// Network news.
    News,
    /// UUCP.
    Uucp,
    /// The clock service.
    Cron,
    /// Security and authorization, private.
    AuthPriv,
    /// FTP.
    Ftp,
    /// NTP.
    Ntp,
    /// Audits.
    Security,
    /// Alerts.
    Console,
    /// The clock service, on Solaris.
    SolarisCron,
    /// For local use.
    Local0,
    /// For local use.
    Local1,
    /// For local use.
    Local2,
    /// For local use.
    Local3,
    /// For local use.
    Local4,
    /// For local use.
    Local5,
    /// For local use.
    Local6,
    /// For local use.
    Local7,
}

use SyslogFacility as F;

impl SyslogFacility {
    /// Every facility, in the order of their numbers.
    #[rustfmt::skip]
    pub const ALL: [Self; 24] = [
        F::Kern, F::User, F::Mail, F::Daemon, F::Auth, F::Syslog, F::Lpr, F::News, F::Uucp, F::Cron, F::AuthPriv, F::Ftp,
        F::Ntp, F::Security, F::Console, F::SolarisCron, F::Local0, F::Local1, F::Local2, F::Local3, F::Local4, F::Local5,
        F::Local6, F::Local7,
    ];

    /// Returns the number, 0 to 23.
    pub const fn number(self) -> u8 {
        self as u8
    }

    /// Returns the name, such as `local0`.
    pub const fn as_str(self) -> &'static str {
        match self {
            F::Kern => "kern",
            F::User => "user",
            F::Mail => "mail",
            F::Daemon => "daemon",
            F::Auth => "auth",
            F::Syslog => "syslog",
            F::Lpr => "lpr",
            F::News => "news",
            F::Uucp => "uucp",
            F::Cron => "cron",
            F::AuthPriv => "authpriv",
            F::Ftp => "ftp",
            F::Ntp => "ntp",
            F::Security => "security",
            F::Console => "console",
            F::SolarisCron => "solaris-cron",
            F::Local0 => "local0",
            F::Local1 => "local1",
            F::Local2 => "local2",
            F::Local3 => "local3",
            F::Local4 => "local4",
            F::Local5 => "local5",
            F::Local6 => "local6",
            F::Local7 => "local7",
        }
    }
}

impl fmt::Display for SyslogFacility {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for SyslogFacility {
    type Err = Error;

    /// Reads a name, in any case.
    fn from_str(name: &str) -> Result<Self, Error> {
        let known = Self::ALL.into_iter().find(|facility| facility.as_str().eq_ignore_ascii_case(name));
        known.ok_or_else(|| {
            let names = Self::ALL.map(Self::as_str).join(", ");
            Error::config(vec![Problem::new("facility", format_args!("{name:?}"), format_args!("use one of: {names}"))])
        })
    }
}
