// What the program asks of the browser and a line of JavaScript says better than Rust. Both the page and its worker, which computes, load
// this; nothing here touches the page before it is called.

const onPage = typeof document !== "undefined";

/** Whether this is the page, and not its worker. */
export function on_page() {
    return onPage;
}

/** Shows a text on the page in the viewer's place. */
export function show_fault(text) {
    if (onPage) globalThis.etudeFault(text);
    else postMessage({ fault: text });
}

const channel = new MessageChannel();
const waiting = [];
channel.port1.onmessage = () => waiting.shift()();

/** Lets everything else that waits have a turn. A timer of 0 ms would take 4, and a whole second in a tab that is not seen. */
export function pause() {
    return new Promise(then => {
        waiting.push(then);
        channel.port2.postMessage(0);
    });
}

/** Calls `take` with each message of the other side, bytes, and `take_file` with the path and the bytes of each file it sends. */
export function listen(take, take_file) {
    const receive = data => {
        if (data instanceof Uint8Array) take(data);
        else if (data.path !== undefined) take_file(data.path, data.bytes);
        else if (data.fault !== undefined) globalThis.etudeFault(data.fault);
    };
    if (onPage) {
        const worker = globalThis.etudeWorker;
        worker.onmessage = event => receive(event.data);
        worker.onerror = event => globalThis.etudeFault(event.message || "The worker that computes could not be started");
    } else {
        onmessage = event => receive(event.data);
        // What came while the program was still loading.
        for (const data of globalThis.etudeEarly.splice(0)) receive(data);
    }
}

const other = () => (onPage ? globalThis.etudeWorker : globalThis);

/** Sends bytes to the other side, which then has them alone. */
export function post(bytes) {
    other().postMessage(bytes, [bytes.buffer]);
}

/** Sends a file. */
export function post_file(path, bytes) {
    other().postMessage({ path, bytes }, [bytes.buffer]);
}

const hex = buffer => [...new Uint8Array(buffer)].map(byte => byte.toString(16).padStart(2, "0")).join("");

async function isWhole(bytes, sha256) {
    // Only pages that came by https, or from this machine, may compute hashes.
    if (!sha256 || !globalThis.crypto?.subtle) return true;
    return hex(await crypto.subtle.digest("SHA-256", bytes)) === sha256;
}

/**
 * The bytes at an address, relative to the page's: from the cache, where they are and have the hash, else from the network. `progress` is
 * told the bytes that have come and those to come, or 0 where that is not known, and returns whether to go on.
 */
export async function fetch_file(address, sha256, progress) {
    // Pages that came by http have no cache of this kind, and a full disk no room in it.
    const cache = await globalThis.caches?.open("etude-models").catch(() => undefined);
    const kept = await cache?.match(address).catch(() => undefined);
    if (kept) {
        const bytes = new Uint8Array(await kept.arrayBuffer());
        if (await isWhole(bytes, sha256)) return bytes;
        await cache.delete(address);
    }
    let response;
    try {
        response = await fetch(address);
    } catch {
        throw "no answer; check the connection, then try again";
    }
    if (!response.ok) throw `the server answers ${response.status} ${response.statusText}`.trim();
    const packed = response.headers.has("content-encoding");
    const total = packed ? 0 : Number(response.headers.get("content-length") ?? 0);
    const reader = response.body.getReader();
    const pieces = [];
    let done = 0;
    for (;;) {
        let piece;
        try {
            piece = await reader.read();
        } catch {
            throw `the connection broke after ${done} bytes; try again`;
        }
        if (piece.done) break;
        pieces.push(piece.value);
        done += piece.value.length;
        if (!progress(done, total)) {
            await reader.cancel();
            throw "stopped";
        }
    }
    const bytes = new Uint8Array(done);
    let at = 0;
    for (const piece of pieces) {
        bytes.set(piece, at);
        at += piece.length;
    }
    if (!(await isWhole(bytes, sha256))) throw `its SHA-256 is not ${sha256}, as it should be; try again later`;
    await cache?.put(address, new Response(bytes)).catch(() => undefined);
    return bytes;
}

/** Asks for files; none where the user calls it off. Only a click or a key may ask. */
export function pick(accept, several) {
    return new Promise(then => {
        const input = document.createElement("input");
        input.type = "file";
        input.accept = accept;
        input.multiple = several;
        input.onchange = () => then([...input.files]);
        input.oncancel = () => then([]);
        input.click();
    });
}

/** Calls `take` with the files that are pasted. */
export function on_paste(take) {
    document.addEventListener("paste", event => {
        const files = [...(event.clipboardData?.files ?? [])];
        if (files.length > 0) take(files);
    });
}

/** Gives the user a file to download. */
export function download(name, bytes) {
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([bytes]));
    link.download = name;
    link.click();
    // Not before the browser has begun to read it.
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

/** The page's address without its recipe. */
export function base_address() {
    return location.href.split("#")[0];
}

/** The recipe in the page's address, with its #. */
export function address_recipe() {
    return location.hash;
}

/** Puts a recipe into the address, in a new place of the history or over the one that is there. */
export function set_address_recipe(recipe, fresh) {
    if (fresh) history.pushState(null, "", recipe);
    else history.replaceState(null, "", recipe);
}

/** Calls `take` when another recipe is in the address: the user went back or forward, or put it there. */
export function on_address(take) {
    addEventListener("popstate", () => take());
    addEventListener("hashchange", () => take());
}

/** Why there is no WebGPU, and what to do. */
export function why_no_webgpu() {
    if (!globalThis.isSecureContext) return "this page came by http, and browsers offer WebGPU by https only";
    if (!navigator.gpu) return "this browser offers no WebGPU";
    return "this browser has WebGPU, but no graphics adapter that it allows";
}

let subgroups = false;

/**
 * From now on a software adapter's device is asked for with subgroups, which the kernels for drivers that compute on the processor need;
 * wgpu does not know this feature of browsers.
 */
export function ask_for_subgroups() {
    const adapters = globalThis.GPUAdapter?.prototype;
    if (!adapters || adapters.requestDevice.asks) return;
    const request = adapters.requestDevice;
    adapters.requestDevice = function (descriptor) {
        subgroups = Boolean(this.info?.isFallbackAdapter && this.features.has("subgroups"));
        const requiredFeatures = [...(descriptor?.requiredFeatures ?? []), ...(subgroups ? ["subgroups"] : [])];
        return request.call(this, { ...descriptor, requiredFeatures });
    };
    adapters.requestDevice.asks = true;
}

/** Whether the device that was asked for last has subgroups. */
export function has_subgroups() {
    return subgroups;
}

/** Offers the page's tests a function of this name: what `read` returns as JSON. */
export function offer(name, read) {
    globalThis[name] = () => JSON.parse(read());
}
