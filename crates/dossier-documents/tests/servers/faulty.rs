//! A bad connection to a good server.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};

/// What becomes of a connection.
#[derive(Clone, Debug)]
pub enum Fault {
    /// Nothing bad.
    None,
    /// It is cut when the server has got so many bytes.
    CutUpload(u64),
    /// The server gets everything; the connection is cut when so many bytes of its answer are back.
    CutAnswer(u64),
    /// The server is not asked: this is the answer's status line and body.
    Answer(&'static str, &'static str),
    /// Nobody ever answers.
    Silence,
    /// The server's answer has no headers that begin so, in small letters.
    WithoutHeader(&'static str),
}

/// A proxy that gives every new connection the next of its faults, and no fault after the last.
pub struct Faulty {
    pub address: SocketAddr,
    script: Arc<Mutex<VecDeque<Fault>>>,
    heads: Arc<Mutex<Vec<String>>>,
}

impl Faulty {
    pub async fn to(server: SocketAddr) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let faulty = Self {
            address: listener.local_addr().unwrap(),
            script: Arc::default(),
            heads: Arc::default(),
        };
        let (script, heads) = (faulty.script.clone(), faulty.heads.clone());
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let fault = script.lock().unwrap().pop_front().unwrap_or(Fault::None);
                let heads = heads.clone();
                // A connection that ends badly is what this is for.
                tokio::spawn(async move { meet(client, server, fault, &heads).await });
            }
        });
        faulty
    }

    /// The faults of the next connections.
    pub fn next(&self, faults: impl IntoIterator<Item = Fault>) {
        *self.script.lock().unwrap() = faults.into_iter().collect();
        self.heads.lock().unwrap().clear();
    }

    /// Method and path of what was asked since the faults were set, one a connection.
    pub fn requests(&self) -> Vec<String> {
        let asked = |head: &String| {
            let words: Vec<&str> = head.split_whitespace().take(2).collect();
            words.join(" ")
        };
        self.heads.lock().unwrap().iter().map(asked).collect()
    }

    /// What the client said in the heads of those requests, as it went over the wire.
    pub fn heads(&self) -> Vec<String> {
        self.heads.lock().unwrap().clone()
    }
}

async fn meet(
    mut client: TcpStream,
    server: SocketAddr,
    fault: Fault,
    heads: &Mutex<Vec<String>>,
) -> std::io::Result<()> {
    let head = read_head(&mut client).await?;
    let text = String::from_utf8_lossy(&head);
    let (text, _) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    heads.lock().unwrap().push(text.to_owned());
    match fault {
        Fault::Answer(status, body) => {
            let length = body.len();
            let answer = format!(
                "HTTP/1.1 {status}\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
            );
            client.write_all(answer.as_bytes()).await?;
            client.shutdown().await?;
            // What is still being sent is taken, or the answer would be lost with the connection.
            copy(&mut client, &mut tokio::io::sink()).await?;
            return Ok(());
        }
        Fault::Silence => {
            copy(&mut client, &mut tokio::io::sink()).await?;
            return Ok(());
        }
        _ => {}
    }
    let mut upstream = TcpStream::connect(server).await?;
    upstream.write_all(&head).await?;
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = upstream.split();
    match fault {
        Fault::CutUpload(bytes) => {
            let mut upload = (&mut from_client).take(bytes);
            copy(&mut upload, &mut to_server).await?;
        }
        Fault::CutAnswer(bytes) => {
            let mut answer = (&mut from_server).take(bytes.max(1));
            tokio::select! {
                _ = copy(&mut from_client, &mut to_server) => {}
                _ = cut(&mut answer, bytes, &mut to_client) => {}
            }
        }
        Fault::WithoutHeader(name) => {
            tokio::select! {
                _ = copy(&mut from_client, &mut to_server) => {}
                _ = without_header(&mut from_server, name, &mut to_client) => {}
            }
        }
        _ => {
            tokio::select! {
                _ = copy(&mut from_client, &mut to_server) => {}
                _ = copy(&mut from_server, &mut to_client) => {}
            }
        }
    }
    Ok(())
}

/// The head of a request, and what came along with it.
async fn read_head(client: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    while !head.windows(4).any(|end| end == b"\r\n\r\n") {
        if client.read_buf(&mut head).await? == 0 {
            break;
        }
    }
    Ok(head)
}

/// With no bytes to let through, it still waits for the answer.
async fn cut(
    answer: &mut (impl AsyncReadExt + Unpin),
    bytes: u64,
    to: &mut (impl AsyncWriteExt + Unpin),
) -> std::io::Result<()> {
    if bytes == 0 {
        answer.read_u8().await?;
        return Ok(());
    }
    copy(answer, to).await.map(|_| ())
}

async fn without_header(
    from: &mut (impl AsyncReadExt + Unpin),
    name: &str,
    to: &mut (impl AsyncWriteExt + Unpin),
) -> std::io::Result<()> {
    let mut piece = vec![0; 64 * 1024];
    loop {
        let read = from.read(&mut piece).await?;
        if read == 0 {
            return Ok(());
        }
        let at = piece[..read]
            .windows(name.len())
            .position(|bytes| bytes.eq_ignore_ascii_case(name.as_bytes()));
        if let Some(at) = at {
            piece[at..at + name.len()].fill(b'n');
        }
        to.write_all(&piece[..read]).await?;
    }
}
