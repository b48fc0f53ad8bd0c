//! TLS over TCP.

use std::fmt;
use std::io::{self, ErrorKind, Read, Write};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, ClientConnection, DigitallySignedStruct, ProtocolVersion, RootCertStore, SignatureScheme};

use super::Endpoint;
use super::endpoint::bare;
use super::link::{FAREWELL, Link, closed, farewell, swallow, timed_out, unacknowledged};
use crate::error::{Error, Problem};
use crate::sync::muted;
use crate::time::uptime;

/// The settings of an encrypted connection: TLS 1.2 ([RFC 5246](https://www.rfc-editor.org/rfc/rfc5246)) or TLS 1.3
/// ([RFC 8446](https://www.rfc-editor.org/rfc/rfc8446)).
///
/// | setting | default | what it does |
/// |---|---|---|
/// | [`ca_file`](Self::ca_file), [`ca_pem`](Self::ca_pem) | the system's | trusted certificate authorities |
/// | [`client_certificate_files`](Self::client_certificate_files) | none | client certificate and key, in files |
/// | [`client_certificate_pem`](Self::client_certificate_pem) | none | client certificate and key, in memory |
/// | [`server_name`](Self::server_name) | the endpoint's host | the name in the server's certificate |
///
/// # Examples
///
/// ```no_run
/// use femtologging::handler::{Endpoint, FemtoSocketHandler, Tls};
///
/// let handler = FemtoSocketHandler::builder()
///     .endpoint(Endpoint::tcp("10.0.0.7", 6514))
///     .tls(Tls::new().ca_file("/etc/logs/ca.pem").server_name("logs.example.net"))
///     .build()?;
/// # drop(handler);
/// # Ok::<(), femtologging::Error>(())
/// ```
#[derive(Clone, Default)]
#[must_use]
pub struct Tls {
    authorities: Vec<Pem>,
    client: Option<(Pem, Pem)>,
    server_name: Option<String>,
    accepts_anybody: bool,
}

#[derive(Clone)]
enum Pem {
    Text(Vec<u8>),
    File(PathBuf),
}

impl fmt::Debug for Tls {
    /// Omits keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("authorities", &self.authorities.len())
            .field("has_client_certificate", &self.client.is_some())
            .field("server_name", &self.server_name)
            .field("accepts_anybody", &self.accepts_anybody)
            .finish()
    }
}

impl Tls {
    /// Makes settings that trust the system's certificate authorities, without a client certificate.
    pub fn new() -> Self {
        Self::default()
    }

    /// Trusts the certificates of a PEM file, and no longer the system's. Several calls add up. The file is read by the
    /// handler's `build`.
    pub fn ca_file(mut self, path: impl AsRef<Path>) -> Self {
        self.authorities.push(Pem::File(path.as_ref().to_owned()));
        self
    }

    /// Trusts the certificates of a PEM text, and no longer the system's. Several calls add up.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::Tls;
    ///
    /// # let certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
    /// let tls = Tls::new().ca_pem(certificate);
    /// assert!(format!("{tls:?}").contains("authorities: 1"));
    /// ```
    pub fn ca_pem(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.authorities.push(Pem::Text(pem.into()));
        self
    }

    /// Authenticates to the server with the certificate chain of one PEM file and the private key of another.
    ///
    /// # Examples
    ///
    /// ```
    /// use femtologging::handler::{Endpoint, FemtoSyslogHandler, Tls};
    ///
    /// // Files are read by `build`, which returns an error if one is missing.
    /// let tls = Tls::new().client_certificate_files("/nowhere/client.pem", "/nowhere/client.key");
    /// let handler = FemtoSyslogHandler::builder().endpoint(Endpoint::tcp("logs.example", 6514)).tls(tls);
    /// assert!(handler.build().unwrap_err().is_io());
    /// ```
    pub fn client_certificate_files(mut self, certificate: impl AsRef<Path>, key: impl AsRef<Path>) -> Self {
        self.client = Some((Pem::File(certificate.as_ref().to_owned()), Pem::File(key.as_ref().to_owned())));
        self
    }

    /// Authenticates to the server with the certificate chain and the private key of two PEM texts.
    pub fn client_certificate_pem(mut self, certificate: impl Into<Vec<u8>>, key: impl Into<Vec<u8>>) -> Self {
        self.client = Some((Pem::Text(certificate.into()), Pem::Text(key.into())));
        self
    }

    /// Sets the name or address that the server's certificate must be for; the endpoint's host by default.
    pub fn server_name(mut self, name: impl Into<String>) -> Self {
        self.server_name = Some(name.into());
        self
    }

    /// Accepts any certificate, so that an attacker on the network can read and forge everything. For tests only.
    pub fn danger_accept_any_certificate(mut self) -> Self {
        self.accepts_anybody = true;
        self
    }

    /// Reads certificates and keys.
    pub(super) fn client(&self, endpoint: &Endpoint) -> Result<TlsClient, Error> {
        let host = match endpoint {
            Endpoint::Tcp { host, .. } => bare(host),
            _ => "",
        };
        let name = self.server_name.as_deref().unwrap_or(host);
        let name = ServerName::try_from(name.to_owned()).map_err(|_| {
            problem("tls.server_name", name, "give the name or address that the server's certificate is for")
        })?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ClientConfig::builder_with_provider(provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(Error::other)?;
        let config = if self.accepts_anybody {
            config.dangerous().with_custom_certificate_verifier(Arc::new(Anybody(provider)))
        } else {
            config.with_root_certificates(self.roots()?)
        };
        let config = match &self.client {
            None => config.with_no_client_auth(),
            Some((chain, key)) => {
                let field = "tls.client_certificate";
                let shown = (chain.certificates(field)?, key.key(field)?);
                config.with_client_auth_cert(shown.0, shown.1).map_err(|error| {
                    problem(field, &error.to_string(), "give a certificate and the key that belongs to it")
                })?
            }
        };
        Ok(TlsClient { config: Arc::new(config), name })
    }

    /// The same for connections that `ureq` makes.
    #[cfg(feature = "http")]
    pub(in crate::handler) fn for_ureq(&self) -> Result<ureq::tls::TlsConfig, Error> {
        use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};
        if let Some(name) = &self.server_name {
            return Err(problem("tls.server_name", name, "give the URL with this name: HTTP has no other"));
        }
        let owned = |certificate: &CertificateDer<'_>| Certificate::from_der(certificate).to_owned();
        let mut roots = Vec::new();
        if self.authorities.is_empty() && !self.accepts_anybody {
            roots.extend(system_roots()?.iter().map(owned));
        }
        for pem in &self.authorities {
            roots.extend(pem.certificates("tls.ca")?.iter().map(owned));
        }
        let config = TlsConfig::builder()
            .disable_verification(self.accepts_anybody)
            .root_certs(RootCerts::new_with_certs(&roots));
        let Some((chain, key)) = &self.client else {
            return Ok(config.build());
        };
        let field = "tls.client_certificate";
        let chain = chain.certificates(field)?.iter().map(owned).collect::<Vec<_>>();
        key.key(field)?; // For its error, which says where the key is from.
        let key = PrivateKey::from_pem(&key.read()?).map_err(Error::other)?;
        Ok(config.client_cert(Some(ClientCert::new_with_certs(&chain, key))).build())
    }

    fn roots(&self) -> Result<RootCertStore, Error> {
        let mut roots = RootCertStore::empty();
        if self.authorities.is_empty() {
            roots.add_parsable_certificates(system_roots()?);
        }
        for pem in &self.authorities {
            for certificate in pem.certificates("tls.ca")? {
                roots.add(certificate).map_err(|error| {
                    problem("tls.ca", &error.to_string(), "give a certificate authority's certificate")
                })?;
            }
        }
        Ok(roots)
    }
}

/// Returns the system's certificate authorities, at least one.
fn system_roots() -> Result<Vec<CertificateDer<'static>>, Error> {
    let roots = rustls_native_certs::load_native_certs().certs;
    if roots.is_empty() {
        let remedy = "it has none that can be read: give them with .ca_file(…)";
        return Err(problem("tls.ca", "the system's", remedy));
    }
    Ok(roots)
}

fn problem(field: &str, value: &str, remedy: &str) -> Error {
    Error::config(vec![Problem::new(field, value, remedy)])
}

impl Pem {
    fn read(&self) -> Result<Vec<u8>, Error> {
        match self {
            Pem::Text(text) => Ok(text.clone()),
            Pem::File(path) => {
                std::fs::read(path).map_err(|error| Error::io(format_args!("cannot read {}", path.display()), error))
            }
        }
    }

    /// Where it is from, for errors.
    fn origin(&self) -> String {
        match self {
            Pem::Text(_) => "a text".to_owned(),
            Pem::File(path) => path.display().to_string(),
        }
    }

    fn certificates(&self, field: &str) -> Result<Vec<CertificateDer<'static>>, Error> {
        let text = self.read()?;
        match CertificateDer::pem_slice_iter(&text).collect::<Result<Vec<_>, _>>() {
            Ok(certificates) if !certificates.is_empty() => Ok(certificates),
            _ => Err(problem(field, &self.origin(), "give certificates as PEM: -----BEGIN CERTIFICATE-----")),
        }
    }

    fn key(&self, field: &str) -> Result<PrivateKeyDer<'static>, Error> {
        PrivateKeyDer::from_pem_slice(&self.read()?)
            .map_err(|_| problem(field, &self.origin(), "give an unencrypted key as PEM: -----BEGIN PRIVATE KEY-----"))
    }
}

/// The configuration for connections to one server.
///
/// It is made once per handler, by `build`, so an invalid certificate is an error of the configuration and not of the
/// first connection. Sessions are resumed by `rustls`' own cache, which belongs to the configuration.
#[derive(Clone)]
pub(super) struct TlsClient {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

/// The maximum wait for a server's first data after the handshake: a refusal of the client, or anything else.
const VERDICT: Duration = Duration::from_millis(500);

/// A server that is silent for this long has not refused the client.
const SILENCE: Duration = Duration::from_millis(100);

impl TlsClient {
    /// Carries out the handshake.
    pub(super) fn connect(&self, stream: TcpStream, timeout: Duration) -> io::Result<Box<dyn Link>> {
        let connection = ClientConnection::new(self.config.clone(), self.name.clone()).map_err(io::Error::other)?;
        let mut link = TlsLink { stream, connection, owed: 0, timeout };
        link.shake_hands(timeout)?;
        link.hear_verdict()?;
        Ok(Box::new(link))
    }
}

/// A connection by TLS. What `rustls` logs about it is discarded, as it would be about every batch.
struct TlsLink {
    stream: TcpStream,
    connection: ClientConnection,
    /// The number of bytes of the next write that are encrypted already, and not yet accepted by the system.
    owed: usize,
    /// How long a write takes, at most, of a peer that takes little at a time.
    timeout: Duration,
}

impl TlsLink {
    /// Runs for at most `timeout`, of which each step gets what is left.
    fn shake_hands(&mut self, timeout: Duration) -> io::Result<()> {
        let start = uptime();
        while self.connection.is_handshaking() || self.connection.wants_write() {
            let left = timeout.saturating_sub(uptime().saturating_sub(start));
            if left.is_zero() {
                return Err(timed_out(timeout));
            }
            self.stream.set_read_timeout(Some(left))?;
            self.stream.set_write_timeout(Some(left))?;
            // Writing first: the peer cannot answer what it has not received.
            let step = if self.connection.wants_write() {
                self.connection.write_tls(&mut self.stream)
            } else {
                self.receive(&mut [0; 4096])
            };
            match step {
                Ok(0) => return Err(closed()),
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until the server has accepted the client, as far as that can be known: what is sent to a server that
    /// refuses it is lost.
    ///
    /// By TLS 1.3, a client is ready before the server has looked at its certificate. Servers that accept it say
    /// something at once, session tickets in general. Some, such as nginx, check the certificate after that, whatever
    /// the version, and then close the connection.
    fn hear_verdict(&mut self) -> io::Result<()> {
        let start = uptime();
        let is_ready_early = self.connection.protocol_version() == Some(ProtocolVersion::TLSv1_3);
        let mut patience = if is_ready_early { VERDICT } else { SILENCE };
        while !patience.is_zero() {
            self.stream.set_read_timeout(Some(patience))?;
            match self.receive(&mut [0; 4096]) {
                Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => break,
                Ok(0) => return Err(closed()),
                outcome => drop(outcome?),
            }
            patience = SILENCE.min(VERDICT.saturating_sub(uptime().saturating_sub(start)));
        }
        Ok(())
    }

    /// Reads once from the peer. Returns the number of decrypted bytes; 0 is the end of the stream.
    fn receive(&mut self, scratch: &mut [u8]) -> io::Result<usize> {
        let length = self.connection.read_tls(&mut self.stream)?;
        let state = self.connection.process_new_packets().map_err(|error| {
            // Tells the peer which error it was.
            let _ = self.connection.write_tls(&mut self.stream);
            io::Error::new(ErrorKind::InvalidData, error)
        })?;
        // Collectors send nothing that matters here; unread data would fill `rustls`' buffer.
        while self.connection.reader().read(scratch).is_ok_and(|length| length > 0) {}
        Ok(if state.peer_has_closed() { 0 } else { length })
    }

    /// Encrypts bytes and hands them to the system.
    ///
    /// `rustls` takes plain text into a buffer and gives out encrypted records, which the system may then refuse. Such
    /// bytes cannot be taken back: `owed` remembers how many there are, and the next call, which begins with the same
    /// bytes, does not give them to `rustls` again.
    ///
    /// ```text
    /// write("abcdef")   rustls takes 6, owed = 6; the system takes nothing   ─► WouldBlock
    /// write("abcdef")   owed = 6: only the encrypted bytes are written       ─► 6
    /// ```
    fn encrypt(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let (start, mut taken) = (uptime(), 0);
        loop {
            if self.owed == 0 {
                match bytes.get(taken..) {
                    None | Some([]) => return Ok(taken),
                    // A peer that takes a little at a time must not hold the handler's thread for longer than one write
                    // may.
                    Some(_) if taken > 0 && uptime().saturating_sub(start) >= self.timeout => return Ok(taken),
                    Some(rest) => self.owed = self.connection.writer().write(rest)?,
                }
            }
            while self.connection.wants_write() {
                match self.connection.write_tls(&mut self.stream) {
                    Ok(0) => return Err(ErrorKind::WriteZero.into()),
                    Ok(_) => {}
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Err(_) if taken > 0 => return Ok(taken),
                    Err(error) => return Err(error),
                }
            }
            taken += std::mem::take(&mut self.owed);
        }
    }
}

impl Link for TlsLink {
    fn is_datagram(&self) -> bool {
        false
    }

    fn check(&mut self) -> io::Result<()> {
        self.stream.set_nonblocking(true)?;
        let outcome = muted(|| swallow(|scratch| self.receive(scratch)));
        self.stream.set_nonblocking(false)?;
        outcome.map(drop)
    }

    fn set_write_timeout(&mut self, timeout: Duration) -> io::Result<()> {
        self.timeout = timeout;
        self.stream.set_write_timeout(Some(timeout))
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        muted(|| self.encrypt(bytes))
    }

    fn unacknowledged(&self) -> usize {
        // Encrypted data is longer than the plain text.
        unacknowledged(&self.stream)
    }

    fn close(&mut self) {
        let _ = self.stream.set_write_timeout(Some(FAREWELL));
        muted(|| {
            self.connection.send_close_notify();
            while self.connection.wants_write()
                && self.connection.write_tls(&mut self.stream).is_ok_and(|length| length > 0)
            {}
        });
        farewell(&mut self.stream);
    }
}

/// Accepts every certificate; signatures must still be right.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signed, &self.0.signature_verification_algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.0.signature_verification_algorithms.supported_schemes()
    }
}
