//! Fetches a document that an operator names, such as the WSDL of a running server.

use std::time::Duration;

use reqwest::Client;

const TIMEOUT: Duration = Duration::from_secs(30);
/// The most bytes of a document.
const MAX_BYTES: usize = 4_194_304;

/// The text at an http or https URL. Blocks; do not call this function inside an async runtime.
///
/// # Errors
/// The reason why there is no text, with the URL.
pub fn fetch(url: &str) -> Result<String, String> {
    let fails = |what: String| format!("{url}: {what}");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|e| fails(e.to_string()))?;
    runtime.block_on(async {
        let builder = || {
            Client::builder()
                .user_agent("chaingun-gateway")
                .timeout(TIMEOUT)
        };
        // A machine without root certificates can still use http.
        let client = builder()
            .build()
            .or_else(|_| builder().tls_certs_only([]).build())
            .map_err(|e| fails(e.to_string()))?;
        let sent = client.get(url).send().await;
        let mut response = sent.map_err(|e| fails(e.to_string()))?;
        if !response.status().is_success() {
            return Err(fails(format!("the server answered {}", response.status())));
        }
        let mut bytes = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|e| fails(e.to_string()))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_BYTES {
                return Err(fails(format!("larger than {MAX_BYTES} bytes")));
            }
        }
        String::from_utf8(bytes).map_err(|_| fails("the document is not UTF-8".to_owned()))
    })
}
