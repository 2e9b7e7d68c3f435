// Copyright (C) ngx_pimap_module authors
//
// A device for Android or the JVM, with OkHttp and org.json.  NOT TESTED: it
// is an example of the rules in docs/protocol.md, "Clients of your own".
// Store "lastId" together with the effect of each event.

import java.io.IOException
import java.util.concurrent.TimeUnit
import kotlin.random.Random
import okhttp3.HttpUrl.Companion.toHttpUrl
import okhttp3.OkHttpClient
import okhttp3.Request
import org.json.JSONObject

class PimapClient(
    private val url: String,
    private val device: String,
    private val token: (again: Boolean) -> String,  // another one if "again"
    private val synchronise: () -> Unit,            // events may be missing
    private val event: (JSONObject) -> Unit,
    @Volatile var lastId: String? = null,
) {
    @Volatile private var retry = 0L                // ms; 0: no good answer
    @Volatile var closed = false

    // Pings come each 300 s at most; half a minute later the server is gone.
    private val http = OkHttpClient.Builder()
        .readTimeout(330, TimeUnit.SECONDS).build()

    // Runs until it is closed or superseded: give it a thread of its own.
    fun run() {
        var failures = 0
        var again = false
        while (!closed) {
            retry = 0
            val status = try { park(again) } catch (e: IOException) { 0 }
            again = status == 401
            if (status in 400..499 && status !in listOf(401, 429)) return
            if (retry > 0) failures = 0 else failures++
            val later = (10L shl minOf(failures, 8)) * Random.nextInt(50, 100)
            val least = if (status == 429) 60_000L else 0L
            val pause = if (retry > 0) retry else maxOf(later, least)
            if (!closed) Thread.sleep(pause)
        }
    }

    private fun park(again: Boolean): Int {
        val address = url.toHttpUrl().newBuilder()
            .addQueryParameter("device", device)
            .addQueryParameter("ping", "300").build()
        val request = Request.Builder().url(address)
            .header("Accept", "application/x-ndjson")
            .header("Authorization", "Bearer " + token(again))
        lastId?.let { request.header("Last-Event-ID", it) }
        http.newCall(request.build()).execute().use { response ->
            if (!response.isSuccessful) return response.code
            val lines = response.body!!.source()
            while (!closed) line(JSONObject(lines.readUtf8Line() ?: break))
            return response.code
        }
    }

    // An object with an id of its own is in "data".
    private fun line(line: JSONObject) {
        val fresh = lastId == null
        if (line.has("retry")) retry = line.getLong("retry")
        if (line.has("id")) lastId = line.getString("id")
        when (line.getString("event")) {
            "parked" -> if (fresh) synchronise()
            "position", "ping", "retry", "expired" -> {}
            "resync" -> synchronise()
            "superseded" -> closed = true           // never come back
            else -> event(line.optJSONObject("data")
                ?.takeIf { it.has("id") } ?: line)
        }
    }
}
