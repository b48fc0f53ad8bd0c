//! A server on loopback that answers as it is told, and keeps what it was sent.
#![allow(dead_code)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

/// What came.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Request {
    /// `POST /path HTTP/1.1`.
    pub line: String,
    /// By names in lower case.
    pub head: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn field(&self, name: &str) -> Option<&str> {
        self.head.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    pub fn text(&self) -> &str {
        str::from_utf8(&self.body).unwrap()
    }
}

/// What is done about it.
#[derive(Clone, Debug)]
pub enum Reply {
    /// A status, further lines of the head, and a body.
    Status(u16, &'static str, Vec<u8>),
    /// Bytes that are no answer, and the end of the connection.
    Garbage(&'static [u8]),
    /// Nothing, ever.
    Silence,
}

impl Reply {
    pub fn ok() -> Self {
        Reply::Status(200, "", Vec::new())
    }

    pub fn status(status: u16, body: &str) -> Self {
        Reply::Status(status, "", body.into())
    }
}

/// A server. It ends, with all its connections, when it is dropped.
pub struct Server {
    pub port: u16,
    requests: Arc<Mutex<Vec<Request>>>,
    streams: Arc<Mutex<Vec<TcpStream>>>,
    listener: TcpListener,
    thread: Option<JoinHandle<()>>,
    end: Arc<Mutex<bool>>,
}

impl Server {
    /// Starts a server that asks `answer` about every request, with the number of those before it.
    pub fn start(answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_at(0, answer)
    }

    /// The same on a port that was free before.
    pub fn start_at(port: u16, answer: impl Fn(usize, &Request) -> Reply + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", port)).unwrap();
        let port = listener.local_addr().unwrap().port();
        let (requests, streams, end) =
            <(Arc<Mutex<Vec<Request>>>, Arc<Mutex<Vec<TcpStream>>>, Arc<Mutex<bool>>)>::default();
        let answer = Arc::new(answer);
        let thread = std::thread::spawn({
            let (listener, requests) = (listener.try_clone().unwrap(), requests.clone());
            let (streams, end) = (streams.clone(), end.clone());
            move || {
                for stream in listener.incoming().map_while(Result::ok) {
                    if *end.lock().unwrap() {
                        return;
                    }
                    streams.lock().unwrap().push(stream.try_clone().unwrap());
                    let (requests, answer) = (requests.clone(), answer.clone());
                    std::thread::spawn(move || serve(stream, &requests, &*answer));
                }
            }
        });
        Self { port, requests, streams, listener, thread: Some(thread), end }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        *self.end.lock().unwrap() = true;
        // So that the listener's thread looks.
        drop(TcpStream::connect(self.listener.local_addr().unwrap()));
        self.thread.take().unwrap().join().unwrap();
        for stream in self.streams.lock().unwrap().drain(..) {
            let _ = stream.shutdown(std::net::Shutdown::Both);
        }
    }
}

fn serve(mut stream: TcpStream, requests: &Mutex<Vec<Request>>, answer: &dyn Fn(usize, &Request) -> Reply) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    while let Some(request) = read(&mut reader) {
        let before = {
            let mut requests = requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let reply = match answer(before, &request) {
            Reply::Status(status, head, body) => {
                let head = format!("HTTP/1.1 {status} Status\r\nContent-Length: {}\r\n{head}\r\n", body.len());
                stream.write_all(&[head.as_bytes(), &body].concat())
            }
            Reply::Garbage(bytes) => {
                let _ = stream.write_all(bytes);
                let _ = stream.shutdown(std::net::Shutdown::Both);
                return;
            }
            Reply::Silence => Ok(()),
        };
        if reply.is_err() {
            return;
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Request> {
    let mut request = Request { line: line(reader)?, ..Request::default() };
    loop {
        let line = line(reader)?;
        let Some((name, value)) = line.split_once(':') else { break };
        request.head.push((name.to_ascii_lowercase(), value.trim().to_owned()));
    }
    let length = request.field("content-length").map_or(0, |length| length.parse().unwrap());
    request.body = vec![0; length];
    reader.read_exact(&mut request.body).ok()?;
    Some(request)
}

fn line(reader: &mut BufReader<TcpStream>) -> Option<String> {
    let mut line = String::new();
    (reader.read_line(&mut line).ok()? > 0).then(|| line.trim_end().to_owned())
}
