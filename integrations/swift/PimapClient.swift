// Copyright (C) ngx_pimap_module authors.  NOT TESTED: a device for iOS 15,
// macOS 12 and later, an example of "Clients of your own" in docs/protocol.md.
// Store "lastId" together with the effect of each event.
import Foundation
actor PimapClient {
    let url: URL                                // with ?device=&ping=300
    let token: (Bool) async throws -> String    // another one if true
    let event: ([String: Any]?) async -> Void   // nil: synchronise
    private(set) var lastId: String?
    private var retry = 0.0, closed = false     // s; 0: no good answer
    init(url: URL, lastId: String? = nil,
         token: @escaping (Bool) async throws -> String,
         event: @escaping ([String: Any]?) async -> Void) {
        (self.url, self.lastId) = (url, lastId)
        (self.token, self.event) = (token, event)
    }

    func run() async throws {                   // until its task is cancelled
        var (failures, status) = (0, 0)
        while !closed {
            retry = 0
            status = (try? await park(again: status == 401)) ?? 0
            let other = (400...499).contains(status) ? [401, 429] : [status]
            if closed || !other.contains(status) { return }
            failures = retry > 0 ? 0 : failures + 1
            let later = pow(2, Double(min(failures, 8))) * .random(in: 0.5...1)
            let pause = retry > 0 ? retry : later + (status == 429 ? 60 : 0)
            try await Task.sleep(nanoseconds: UInt64(pause * 1e9))
        }
    }

    private func park(again: Bool) async throws -> Int {
        var request = URLRequest(url: url, timeoutInterval: 330) // ping and 30
        request.allHTTPHeaderFields = ["Accept": "application/x-ndjson",
            "Authorization": "Bearer " + (try await token(again))]
        request.setValue(lastId, forHTTPHeaderField: "Last-Event-ID")
        let (bytes, response) = try await URLSession.shared.bytes(for: request)
        let status = (response as! HTTPURLResponse).statusCode
        guard status == 200 else { return status }
        for try await text in bytes.lines {
            let json = try JSONSerialization.jsonObject(with: Data(text.utf8))
            if let line = json as? [String: Any] { await read(line) }
            if closed { break }
        }
        return status
    }

    private func read(_ line: [String: Any]) async {  // "data" has its own id
        let start = lastId == nil || line["reason"] != nil
        retry = (line["retry"] as? Double).map { $0 / 1000 } ?? retry
        lastId = line["id"] as? String ?? lastId
        let inner = line["data"] as? [String: Any]
        switch line["event"] as? String {
        case "parked", "resync": if start { await event(nil) }
        case "position", "ping", "retry", "expired": break
        case "superseded": closed = true        // never come back
        default: await event(inner?["id"] != nil ? inner : line)
        }
    }
}
