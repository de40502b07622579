// The worker that computes: the same program as the page's, which sends it here compiled.

const version = new URL(import.meta.url).search;
globalThis.etudeFault = fault => postMessage({ fault });
// What comes before the program is ready.
globalThis.etudeEarly = [];
const module = await new Promise(then => {
    onmessage = event => {
        if (event.data.module) then(event.data.module);
        else globalThis.etudeEarly.push(event.data);
    };
});
try {
    const program = await import(`./etude.js${version}`);
    const { memory } = await program.default({ module_or_path: module });
    globalThis.etudeMemory = () => memory.buffer.byteLength;
} catch (error) {
    globalThis.etudeFault(error?.message ?? String(error));
}
