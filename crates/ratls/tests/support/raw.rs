//! TLS without the product's rules, and frames by hand.

use super::copy;
use ratls::Leaf;
use ratls::preamble::{EXPORTER_LABEL, Frame, HEADER_LENGTH, Header};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{CryptoProvider, aws_lc_rs, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, ServerName, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::version::TLS13;
use rustls::{ConnectionCommon, DigitallySignedStruct, DistinguishedName, Error, SignatureScheme};
use std::net::SocketAddr;
use std::sync::Arc;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::{TlsAcceptor, TlsConnector, client, server};

/// Accepts whoever holds the key of whatever certificate.
#[derive(Debug)]
struct Anybody(Arc<CryptoProvider>);

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

impl Anybody {
    fn holds(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signed: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        let algorithms = &self.0.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signed, algorithms)
    }
}

macro_rules! signatures {
    () => {
        fn verify_tls12_signature(
            &self,
            _: &[u8],
            _: &CertificateDer<'_>,
            _: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            Err(Error::General("TLS 1.2".into()))
        }

        fn verify_tls13_signature(
            &self,
            message: &[u8],
            certificate: &CertificateDer<'_>,
            signed: &DigitallySignedStruct,
        ) -> Result<HandshakeSignatureValid, Error> {
            self.holds(message, certificate, signed)
        }

        fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
            self.0.signature_verification_algorithms.supported_schemes()
        }
    };
}

impl ServerCertVerifier for Anybody {
    fn verify_server_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        Ok(ServerCertVerified::assertion())
    }

    signatures!();
}

impl ClientCertVerifier for Anybody {
    fn client_auth_mandatory(&self) -> bool {
        false
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        _: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        Ok(ClientCertVerified::assertion())
    }

    signatures!();
}

fn certified(leaf: &Leaf) -> (Vec<CertificateDer<'static>>, PrivatePkcs8KeyDer<'static>) {
    let Leaf {
        cert_der,
        key_pkcs8,
        ..
    } = copy(leaf);
    (vec![cert_der.into()], key_pkcs8.to_vec().into())
}

/// Connects with these ALPN names, and a client certificate if there is one.
pub(crate) async fn connect(
    address: SocketAddr,
    alpn: &[&[u8]],
    leaf: Option<&Leaf>,
) -> std::io::Result<client::TlsStream<TcpStream>> {
    connect_by(&connector(alpn, leaf), address).await
}

/// Connections of one connector would be resumed if the server let them.
pub(crate) async fn connect_by(
    connector: &TlsConnector,
    address: SocketAddr,
) -> std::io::Result<client::TlsStream<TcpStream>> {
    let tcp = TcpStream::connect(address).await.unwrap();
    tcp.set_nodelay(true).unwrap();
    let name = ServerName::try_from("vault.invalid").unwrap();
    connector.connect(name, tcp).await
}

pub(crate) fn connector(alpn: &[&[u8]], leaf: Option<&Leaf>) -> TlsConnector {
    let builder = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider())));
    let mut config = match leaf {
        Some(leaf) => {
            let (certificates, key) = certified(leaf);
            builder
                .with_client_auth_cert(certificates, key.into())
                .unwrap()
        }
        None => builder.with_no_client_auth(),
    };
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    config.enable_early_data = true;
    TlsConnector::from(Arc::new(config))
}

/// Shows `shown` and signs with the key of `signs`, which TLS libraries do not do by themselves.
pub(crate) fn impostor(alpn: &[&[u8]], shown: &Leaf, signs: &Leaf) -> TlsConnector {
    let (certificates, _) = certified(shown);
    let (_, key) = certified(signs);
    let key = provider()
        .key_provider
        .load_private_key(key.into())
        .unwrap();
    let pair = rustls::sign::CertifiedKey::new(certificates, key);
    let resolver = rustls::sign::SingleCertAndKey::from(pair);
    let mut config = rustls::ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Anybody(provider())))
        .with_client_cert_resolver(Arc::new(resolver));
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsConnector::from(Arc::new(config))
}

/// A TLS server that shows this leaf, whoever calls.
pub(crate) fn acceptor(leaf: &Leaf, alpn: &[&[u8]]) -> TlsAcceptor {
    let (certificates, key) = certified(leaf);
    let mut config = rustls::ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .unwrap()
        .with_client_cert_verifier(Arc::new(Anybody(provider())))
        .with_single_cert(certificates, key.into())
        .unwrap();
    config.alpn_protocols = alpn.iter().map(|name| name.to_vec()).collect();
    TlsAcceptor::from(Arc::new(config))
}

pub(crate) type Accepted = server::TlsStream<TcpStream>;

pub(crate) async fn send<S: AsyncWrite + Unpin>(stream: &mut S, frame: &Frame) {
    stream.write_all(&frame.encode()).await.unwrap();
    stream.flush().await.unwrap();
}

/// The next frame; `None` if the stream ended.
pub(crate) async fn receive<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Frame> {
    let mut header = [0; HEADER_LENGTH];
    stream.read_exact(&mut header).await.ok()?;
    let header = Header::parse(&header).unwrap();
    let mut payload = vec![0; header.payload_length()];
    stream.read_exact(&mut payload).await.ok()?;
    Some(Frame::parse(header, &payload).unwrap())
}

pub(crate) fn exporter<D>(connection: &ConnectionCommon<D>, nonce: &[u8; 32]) -> [u8; 32] {
    connection
        .export_keying_material([0; 32], EXPORTER_LABEL, Some(nonce))
        .unwrap()
}
