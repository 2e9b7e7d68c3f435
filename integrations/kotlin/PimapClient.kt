// Copyright (C) ngx_pimap_module authors.  NOT TESTED: a device for Android or
// the JVM, an example of "Clients of your own" in docs/protocol.md.  Store
// "lastId" together with the effect of each event.
import java.io.IOException
import java.util.concurrent.TimeUnit.SECONDS
import kotlin.random.Random
import okhttp3.OkHttpClient
import okhttp3.Request
import org.json.JSONObject

class PimapClient(
    private val url: String,                        // with ?device=&ping=300
    private val token: (again: Boolean) -> String,  // another one if "again"
    private val synchronise: () -> Unit,            // events may be missing
    private val event: (JSONObject) -> Unit,
    @Volatile var lastId: String? = null) {
    private var retry = 0L                          // ms; 0: no good answer
    @Volatile var closed = false                    // the last ping and 30 s:
    private val http = OkHttpClient.Builder().readTimeout(330, SECONDS).build()

    fun run() {                                     // give it a thread
        var (failures, status) = listOf(0, 0)
        while (!closed) {
            retry = 0
            status = try { park(status == 401) } catch (e: IOException) { 0 }
            if (status in 400..499 && status !in listOf(401, 429)) return
            failures = if (retry > 0) 0 else failures + 1
            val later = (10L shl minOf(failures, 8)) * Random.nextInt(50, 100)
            val pause = if (status == 429) later + 60_000 else later
            if (!closed) Thread.sleep(if (retry > 0) retry else pause)
        }
    }

    private fun park(again: Boolean): Int {
        val request = Request.Builder().url(url)
            .header("Accept", "application/x-ndjson")
            .header("Authorization", "Bearer " + token(again))
        lastId?.let { request.header("Last-Event-ID", it) }
        http.newCall(request.build()).execute().use { response ->
            val lines = response.body!!.source()
            while (response.code == 200 && !closed) try {
                line(JSONObject(lines.readUtf8Line() ?: break))
            } catch (e: org.json.JSONException) { break }
            return response.code
        }
    }

    private fun line(line: JSONObject) {            // "data" has its own id
        val start = lastId == null || line.has("reason")
        retry = line.optLong("retry", retry)
        if (line.has("id")) lastId = line.getString("id")
        when (line.getString("event")) {
            "parked", "resync" -> if (start) synchronise()
            "position", "ping", "retry", "expired" -> {}
            "superseded" -> closed = true           // never come back
            else -> event(line.optJSONObject("data")
                ?.takeIf { it.has("id") } ?: line)
        }
    }
}
