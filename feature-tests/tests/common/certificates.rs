//! Certificates, made anew for each test.

use rcgen::{BasicConstraints, Certificate, CertificateParams, DnType, IsCa, KeyPair};

/// A certificate authority, and two that it has certified, each with its key; all as PEM.
pub struct Certificates {
    pub authority: String,
    pub server: [String; 2],
    pub client: [String; 2],
}

impl Certificates {
    /// An authority of this name and a server's certificate for that one.
    pub fn make(authority: &str, server: &str) -> Self {
        let key = KeyPair::generate().unwrap();
        let mut params = params(authority);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let authority = params.self_signed(&key).unwrap();
        let server = certify(server, &authority, &key);
        let client = certify("client.test", &authority, &key);
        Self { authority: authority.pem(), server, client }
    }
}

fn params(name: &str) -> CertificateParams {
    let mut params = CertificateParams::new([name.to_owned()]).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params
}

/// A certificate for a name, and its key.
fn certify(name: &str, authority: &Certificate, key: &KeyPair) -> [String; 2] {
    let own = KeyPair::generate().unwrap();
    [params(name).signed_by(&own, authority, key).unwrap().pem(), own.serialize_pem()]
}
