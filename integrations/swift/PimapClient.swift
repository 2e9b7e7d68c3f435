// Copyright (C) ngx_pimap_module authors
//
// A device for iOS 15, macOS 12 and later, with URLSession.  NOT TESTED: it is
// an example of the rules in docs/protocol.md, "Clients of your own".
// Store "lastId" together with the effect of each event.

import Foundation

actor PimapClient {
    typealias Object = [String: Any]

    let url: URL
    let device: String
    let token: (Bool) async throws -> String    // another one if true
    let synchronise: () async -> Void           // events may be missing
    let event: (Object) async -> Void
    private(set) var lastId: String?
    private var retry = 0.0                     // s; 0: no good answer
    private var closed = false

    init(url: URL, device: String, lastId: String? = nil,
         token: @escaping (Bool) async throws -> String,
         synchronise: @escaping () async -> Void,
         event: @escaping (Object) async -> Void) {
        (self.url, self.device, self.lastId) = (url, device, lastId)
        (self.token, self.event) = (token, event)
        self.synchronise = synchronise
    }

    // Runs until its task is cancelled, or a newer client has this name.
    func run() async throws {
        var (failures, again) = (0, false)
        while !closed && !Task.isCancelled {
            retry = 0
            let status = (try? await park(again: again)) ?? 0
            again = status == 401
            let refused = (400...499).contains(status)
            if refused && ![401, 429].contains(status) { return }
            failures = retry > 0 ? 0 : failures + 1
            let later = pow(2, Double(min(failures, 8)))
                * Double.random(in: 0.5...1)
            let pause = retry > 0 ? retry : status == 429 ? 60 + later : later
            if closed { return }
            try await Task.sleep(nanoseconds: UInt64(pause * 1e9))
        }
    }

    private func park(again: Bool) async throws -> Int {
        var parts = URLComponents(url: url, resolvingAgainstBaseURL: false)!
        parts.queryItems = [URLQueryItem(name: "device", value: device),
                            URLQueryItem(name: "ping", value: "300")]
        var request = URLRequest(url: parts.url!)
        request.timeoutInterval = 330               // a ping and half a minute
        request.setValue("application/x-ndjson", forHTTPHeaderField: "Accept")
        request.setValue("Bearer " + (try await token(again)),
                         forHTTPHeaderField: "Authorization")
        if let id = lastId {
            request.setValue(id, forHTTPHeaderField: "Last-Event-ID")
        }
        let (bytes, response) = try await URLSession.shared
            .bytes(for: request)
        let status = (response as! HTTPURLResponse).statusCode
        guard status == 200 else { return status }
        for try await line in bytes.lines {
            let json = try JSONSerialization.jsonObject(with: Data(line.utf8))
            if let object = json as? Object { await read(object) }
            if closed { break }
        }
        return status
    }

    // An object with an id of its own is in "data".
    private func read(_ line: Object) async {
        let fresh = lastId == nil
        if let ms = line["retry"] as? Double { retry = ms / 1000 }
        lastId = line["id"] as? String ?? lastId
        switch line["event"] as? String {
        case "parked": if fresh { await synchronise() }
        case "position", "ping", "retry", "expired": break
        case "resync": await synchronise()
        case "superseded": closed = true            // never come back
        default:
            let inner = line["data"] as? Object
            await event(inner?["id"] != nil ? inner! : line)
        }
    }
}
