//! One request and its answer, by the crate `ureq`.
//!
//! # What is never sent or shown
//!
//! * Redirects are not followed. RFC 9110, section 15.4, lets a client change a redirected POST into a GET, whose
//!   records would be lost, and the new server might not be one that may see them.
//! * Messages name scheme, host and port of the server only. Intakes have tokens in paths and queries, and URLs may
//!   have passwords; see [`without_secrets`].
//! * A user and a password in the URL are an error, because URLs are copied into reports and lists of processes.
//!
//! # Timeouts
//!
//! | | limits | default |
//! |---|---|---|
//! | `connect_timeout` | look-up of the name, proxy, TCP, TLS | 5 s |
//! | `timeout` | the whole request, including connecting and the answer's body | 10 s |
//! | the time left until a flush's deadline | the same, if it is shorter | |
//!
//! An answer's body is read up to 4 MiB: enough for the statuses of 10,000 records, and bounded if the server is not
//! what it should be.
//!
//! # Failures
//!
//! | | outcome of the records |
//! |---|---|
//! | the request cannot be built: its URL is too long | failed; a retry would fail again |
//! | no connection, or no answer in time | open: they are sent again, and may arrive twice |
//! | an answer | what its status says: see `answer.rs` |

use std::fmt::Display;
use std::io::Read;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ureq::http::{HeaderName, HeaderValue, Method, Uri};
use ureq::{Agent, AsSendBody, Proxy, ProxyProtocol, http};

use crate::error::{Error, Problem};
use crate::handler::Outcome;
use crate::handler::Tls;

/// The settings of the HTTP client.
pub(super) struct ClientOptions {
    pub(super) method: Method,
    pub(super) url: String,
    /// What is inserted after the URL's path and before its query.
    pub(super) path: String,
    pub(super) query: &'static str,
    pub(super) headers: Vec<(String, String)>,
    pub(super) gzip: bool,
    pub(super) timeout: Duration,
    pub(super) connect_timeout: Duration,
    /// `None`: as [`proxy_of_environment`] says.
    pub(super) proxy: Option<String>,
    /// `None`: the system's authorities.
    pub(super) tls: Option<Tls>,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self {
            method: Method::POST,
            url: String::new(),
            path: String::new(),
            query: "",
            headers: Vec::new(),
            gzip: false,
            timeout: Duration::from_secs(10),
            connect_timeout: Duration::from_secs(5),
            proxy: None,
            tls: None,
        }
    }
}

/// A server's answer.
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) retry_after: Option<String>,
    pub(super) body: Vec<u8>,
}

/// The maximum length of an answer's body that is read.
const LONGEST_ANSWER: u64 = 4 << 20;

/// `ureq` keeps connections open and reuses them (HTTP/1.1 keep-alive), so a handler that sends steadily has one
/// connection.
pub(super) struct Client {
    agent: Agent,
    method: Method,
    uri: Uri,
    server: String,
    timeout: Duration,
    headers: Vec<(HeaderName, HeaderValue)>,
    #[cfg_attr(not(feature = "gzip"), expect(dead_code, reason = "refused without the feature"))]
    gzip: bool,
}

impl ClientOptions {
    /// Returns everything that is wrong with the settings.
    pub(super) fn problems(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        match self.uri() {
            Err(problem) => problems.push(problem),
            Ok(uri) if uri.scheme_str() == Some("http") && self.tls.is_some() => {
                problems.push(Problem::new("tls", "", "give an https URL, or leave TLS out"));
            }
            Ok(_) => {}
        }
        problems.extend(self.headers.iter().filter_map(|pair| header(pair).err()));
        problems.extend(self.proxy.as_deref().and_then(|url| proxy(url).err()));
        for (field, timeout) in [("connect_timeout", self.connect_timeout), ("timeout", self.timeout)] {
            if timeout < Duration::from_millis(1) || timeout > Duration::from_secs(3600) {
                problems.push(Problem::new(field, format!("{timeout:?}"), "give a time from 1 ms to 1 h"));
            }
        }
        if self.gzip && !cfg!(feature = "gzip") {
            problems.push(Problem::new("gzip", "true", "enable the Cargo feature `gzip`"));
        }
        problems
    }

    /// Makes the client.
    ///
    /// # Errors
    ///
    /// Certificates and keys, which `problems` does not check.
    pub(super) fn build(&self) -> Result<Client, Error> {
        let config = |problem| Error::config(vec![problem]);
        let uri = self.uri().map_err(config)?;
        let headers = self.headers.iter().map(header).collect::<Result<Vec<_>, _>>().map_err(config)?;
        let mut agent = Agent::config_builder()
            // Statuses are judged by `answer.rs`, which also needs the body.
            .http_status_as_error(false)
            // A redirected POST would become a GET, and its records would be lost silently.
            .max_redirects(0)
            .max_redirects_will_error(false)
            .user_agent(concat!("femtologging/", env!("CARGO_PKG_VERSION")))
            .timeout_connect(Some(self.connect_timeout));
        let proxy = match &self.proxy {
            Some(url) => proxy(url).map_err(config)?,
            None => proxy_of_environment(uri.scheme_str() == Some("https")),
        };
        agent = agent.proxy(proxy);
        if uri.scheme_str() == Some("https") {
            agent = agent.tls_config(self.tls.clone().unwrap_or_default().for_ureq()?);
        }
        let agent = agent.build().new_agent();
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        let server = format!("{}://{authority}", uri.scheme_str().unwrap_or_default());
        Ok(Client { agent, method: self.method.clone(), uri, server, timeout: self.timeout, headers, gzip: self.gzip })
    }

    fn uri(&self) -> Result<Uri, Problem> {
        let problem = |remedy| Problem::new("url", format!("{:?}", without_secrets(&self.url)), remedy);
        let no_url = || problem("give the server's URL, such as https://logs.example:8443/intake");
        let (base, query) = self.url.split_once('?').unwrap_or((&self.url, ""));
        let text =
            if self.path.is_empty() { base.to_owned() } else { format!("{}{}", base.trim_end_matches('/'), self.path) };
        let query = [query, self.query].into_iter().filter(|query| !query.is_empty()).collect::<Vec<_>>().join("&");
        let text = if query.is_empty() { text } else { format!("{text}?{query}") };
        let uri = Uri::try_from(text).map_err(|_| no_url())?;
        let authority = uri.authority().map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(problem("say who is sending with .basic_auth(user, password)"));
        }
        let host = uri.host().unwrap_or_default();
        // `http://host:` and `http://host:99999` have an authority that is longer than the host, and no port.
        let has_port = uri.port_u16().is_some() || authority.len() == host.len();
        let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
        if is_http && has_port && !host.is_empty() { Ok(uri) } else { Err(no_url()) }
    }
}

/// Returns the part of an invalid URL that may be shown: without user and password, and without path and query, in
/// which some intakes have a token. `…` replaces what is left out at the end.
fn without_secrets(url: &str) -> String {
    let (scheme, rest) = url.find("://").map_or(("", url), |at| url.split_at(at + 3));
    let (authority, path) = rest.split_at(rest.find(['/', '?', '#']).unwrap_or(rest.len()));
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    match path {
        "" | "/" => format!("{scheme}{host}{path}"),
        // If the password has a slash, what precedes it looks like a host.
        path if host == authority && path.contains('@') => format!("{scheme}…"),
        _ => format!("{scheme}{host}/…"),
    }
}

fn header((name, value): &(String, String)) -> Result<(HeaderName, HeaderValue), Problem> {
    match (HeaderName::try_from(name), HeaderValue::try_from(value)) {
        (Ok(name), _) if [http::header::CONTENT_LENGTH, http::header::TRANSFER_ENCODING].contains(&name) => {
            Err(Problem::new("headers", format!("{name:?}"), "leave it out: every request has its own"))
        }
        (Ok(name), Ok(value)) => Ok((name, value)),
        // The value may be secret.
        _ => Err(Problem::new(
            "headers",
            format!("{name:?}"),
            "a field's name has letters, digits and hyphens, and its value no line end",
        )),
    }
}

/// An empty URL means no proxy.
fn proxy(url: &str) -> Result<Option<Proxy>, Problem> {
    if url.is_empty() {
        return Ok(None);
    }
    // The URL may have a password in it.
    let problem = |why: &dyn Display| {
        Problem::new("proxy", "", format!("give a URL such as http://user:password@proxy.example:3128: {why}"))
    };
    match Proxy::new(url) {
        // `ureq` would panic when it connects.
        Ok(proxy) if !matches!(proxy.protocol(), ProxyProtocol::Http | ProxyProtocol::Https) => {
            Err(problem(&"SOCKS is not supported"))
        }
        Ok(proxy) => Ok(Some(proxy)),
        Err(error) => Err(problem(&error)),
    }
}

/// Returns the proxy of the environment, by curl's conventions: `http_proxy` or `https_proxy`, by the server's scheme,
/// then `all_proxy`. `no_proxy` lists the hosts that are reached without a proxy. An invalid proxy is ignored.
///
/// All of them may be in upper case but for `http_proxy`. A CGI program gets the fields of its client's request as
/// variables, `Proxy` as `HTTP_PROXY`: its client would choose where the program's log goes (<https://httpoxy.org>).
fn proxy_of_environment(is_https: bool) -> Option<Proxy> {
    let first = |names: &[&str]| names.iter().find_map(|name| std::env::var(name).ok().filter(|text| !text.is_empty()));
    let of_scheme: &[&str] = if is_https { &["https_proxy", "HTTPS_PROXY"] } else { &["http_proxy"] };
    let proxy = proxy(&first(of_scheme).or_else(|| first(&["all_proxy", "ALL_PROXY"]))?).ok()??;
    let Some(direct) = first(&["no_proxy", "NO_PROXY"]) else { return Some(proxy) };
    let mut builder = Proxy::builder(proxy.protocol()).host(proxy.host()).port(proxy.port());
    if let Some(user) = proxy.username() {
        builder = builder.username(user).password(proxy.password().unwrap_or_default());
    }
    direct.split(',').map(str::trim).fold(builder, |builder, host| builder.no_proxy(host)).build().ok()
}

impl Client {
    /// Returns the server's scheme, host and port, for messages. Its path and query may have a secret in them.
    pub(super) fn server(&self) -> &str {
        &self.server
    }

    /// Sends a request and reads the answer, within the shorter of the client's `timeout` and this one.
    ///
    /// If there is no answer, the error has the outcome of the records and the cause.
    pub(super) fn send(
        &self,
        content_type: &str,
        body: &[u8],
        timeout: Option<Duration>,
    ) -> Result<Answer, (Outcome, String)> {
        let timeout = timeout.map_or(self.timeout, |left| left.min(self.timeout));
        let mut request = http::Request::builder().method(self.method.clone());
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if self.method == Method::GET {
            return self.run(request.uri(self.uri_of(body)?).body(()), timeout);
        }
        if !self.headers.iter().any(|(name, _)| name == http::header::CONTENT_TYPE) {
            request = request.header(http::header::CONTENT_TYPE, content_type);
        }
        // If compressing fails, the body is sent as it is.
        let packed = self.packed(body);
        if packed.is_some() {
            request = request.header(http::header::CONTENT_ENCODING, "gzip");
        }
        self.run(request.uri(self.uri.clone()).body(packed.as_deref().unwrap_or(body)), timeout)
    }

    /// Returns the server's URL with a form as its query.
    fn uri_of(&self, form: &[u8]) -> Result<Uri, (Outcome, String)> {
        let separator = if self.uri.query().is_some() { '&' } else { '?' };
        let text = format!("{}{separator}{}", self.uri, String::from_utf8_lossy(form));
        // The URL is too long, and a retry does not make it shorter.
        Uri::try_from(text).map_err(|error| (Outcome::Failed, format!("cannot make a URL of the record: {error}")))
    }

    fn run<B: AsSendBody>(
        &self,
        request: http::Result<http::Request<B>>,
        timeout: Duration,
    ) -> Result<Answer, (Outcome, String)> {
        let request = request.map_err(|error| (Outcome::Failed, error.to_string()))?;
        let request = self.agent.configure_request(request).timeout_global(Some(timeout)).build();
        let mut answer = self.agent.run(request).map_err(|error| (Outcome::Open, error.to_string()))?;
        // Before the body is read, which borrows the answer mutably.
        let retry_after = answer.headers().get(http::header::RETRY_AFTER);
        let retry_after = retry_after.and_then(|value| value.to_str().ok()).map(str::to_owned);
        let mut body = Vec::new();
        // The status decides; a body that is incomplete may not be what the encoder expects.
        if let Err(error) = answer.body_mut().as_reader().take(LONGEST_ANSWER).read_to_end(&mut body) {
            body = format!("(no text: {error})").into_bytes();
        }
        Ok(Answer { status: answer.status().as_u16(), retry_after, body })
    }

    #[cfg(feature = "gzip")]
    fn packed(&self, body: &[u8]) -> Option<Vec<u8>> {
        use std::io::Write;
        if !self.gzip {
            return None;
        }
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(body).ok()?;
        encoder.finish().ok()
    }

    #[cfg(not(feature = "gzip"))]
    fn packed(&self, _: &[u8]) -> Option<Vec<u8>> {
        None
    }
}

/// Returns the credentials of the scheme `Basic`, RFC 7617 §2.
pub(super) fn basic(user: &str, password: &str) -> String {
    format!("Basic {}", base64(format!("{user}:{password}").as_bytes()))
}

/// Returns the problem of a user's name for `Basic`: it cannot have a colon, which ends it.
pub(super) fn user_problem(user: &str) -> Option<Problem> {
    let remedy = "give a name without a colon, which RFC 7617 does not allow";
    user.contains(':').then(|| Problem::new("basic_auth", format!("{user:?}"), remedy))
}

/// Writes bytes in Base64, with padding (RFC 4648 §4).
pub(super) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of RFC 4648 §10.
    #[test]
    fn base64_is_that_of_the_rfc() {
        let rows = [
            ("", ""),
            ("f", "Zg=="),
            ("fo", "Zm8="),
            ("foo", "Zm9v"),
            ("foob", "Zm9vYg=="),
            ("fooba", "Zm9vYmE="),
            ("foobar", "Zm9vYmFy"),
        ];
        for (text, expected) in rows {
            assert_eq!(base64(text.as_bytes()), expected);
        }
    }
}
