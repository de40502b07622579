// Loads the program, with a bar that shows how far it is, starts the worker that computes, and shows as text what goes wrong.

const { version, bytes } = document.getElementById("page").dataset;
const loading = document.getElementById("loading");
const progress = document.getElementById("progress");
const said = document.getElementById("said");

/** Shows a text in the viewer's place: nothing goes on after it. */
globalThis.etudeFault = text => {
    console.error(text);
    loading.hidden = false;
    progress.hidden = true;
    said.textContent = `${text}. Your settings are kept; load the page again to go on.`.replace(/\.+ Your/, ". Your");
};

/** The compiled program, by what has come of it: a server may pack it, so that its length is not that of the answer. */
async function fetchProgram() {
    const response = await fetch(new URL(`etude_bg.wasm?${version}`, import.meta.url));
    if (!response.ok) throw new Error(`etude_bg.wasm: the server answers ${response.status} ${response.statusText}`);
    let done = 0;
    const counted = response.body.pipeThrough(new TransformStream({
        transform(piece, controller) {
            done += piece.length;
            progress.value = Math.min(1, done / Number(bytes));
            controller.enqueue(piece);
        },
    }));
    // Some file servers do not know the type, which compiling asks for.
    return WebAssembly.compileStreaming(new Response(counted, { headers: { "content-type": "application/wasm" } }));
}

try {
    // What is seen first comes before what takes all cores; a tab that is not seen paints nothing.
    await Promise.race([new Promise(then => requestAnimationFrame(() => setTimeout(then))), new Promise(then => setTimeout(then, 300))]);
    const worker = new Worker(new URL(`worker.js?${version}`, import.meta.url), { type: "module" });
    globalThis.etudeWorker = worker;
    const [module, program] = await Promise.all([fetchProgram(), import(`./etude.js?${version}`)]);
    worker.postMessage({ module });
    const { memory } = await program.default({ module_or_path: module });
    // For tests.
    globalThis.etudeMemory = () => memory.buffer.byteLength;
    loading.hidden = true;
} catch (error) {
    globalThis.etudeFault(error?.message ?? String(error));
}
