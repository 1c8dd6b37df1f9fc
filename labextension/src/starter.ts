/** The notebook that the launcher's card makes: from three texts to a search. Its cells run as they are. */

export const LOAD = '%load_ext mixpeek_lab';

const BUCKET = `texts = [
    "The harbour was quiet, and the ships lay at anchor.",
    "Revenue grew by a fifth, and costs fell.",
    "A quiet engine and low costs: the new ships pay.",
]
%bucket starter_texts texts`;

const EXTRACTOR = `%%extractor starter_words
from zlib import crc32

import numpy as np
from shared.extractors.sdk import BatchProcessor, ExtractorManifest, Feature, InferenceService

manifest = ExtractorManifest(
    feature_extractor_name="starter_words",
    version="1.0.0",
    supported_input_types=["text"],
    features=[Feature.embedding("words", dim=64)],
    inference_type="embedding",
)


def embed(text):
    """Texts that share words have vectors that are near. A model of yours goes here."""
    vector = np.zeros(64, "float32")
    for word in text.lower().split():
        vector[crc32(word.strip(".,:").encode()) % 64] += 1
    return vector.tolist()


class Words(BatchProcessor):
    def process(self, batch):
        batch["words"] = [embed(str(text)) for text in batch["data"]]
        return batch


class Query(InferenceService):
    async def infer(self, inputs, parameters):
        return {"embedding": embed(inputs["text"])}`;

const RETRIEVER = `%%retriever starter_search
collection: starter_texts_starter_words
searches:
  - feature: words
  - lexical: true
fusion: rrf`;

/** Its cells: prose, and code. */
export const STARTER: readonly (readonly ['markdown' | 'code', string])[] = [
  ['markdown', '# A lab notebook\nFrom your data to a search. Run the cells one by one: Shift+Enter.'],
  ['code', LOAD],
  ['markdown', '**Your data**: a list of texts here; a DataFrame, or a folder of files, as well.'],
  ['code', BUCKET],
  ['markdown', '**Your extractor** turns them into vectors.'],
  ['code', EXTRACTOR],
  ['markdown', '**Run it**: every document is in the collection then.'],
  ['code', '%process starter_texts starter_words'],
  ['markdown', '**Search it**, by vectors and by words.'],
  ['code', RETRIEVER],
  ['code', '%search starter_search quiet ships'],
  ['code', '%playground starter_search quiet ships']
];

/** The notebook's file, for a kernel of that name. */
export function starterNotebook(kernel: string, displayName: string): object {
  const cells = STARTER.map(([cell_type, source], index) => ({
    cell_type,
    id: `starter-${index}`,
    metadata: {},
    source,
    ...(cell_type === 'code' ? { execution_count: null, outputs: [] } : {})
  }));
  const kernelspec = { name: kernel, display_name: displayName };
  return { cells, metadata: { kernelspec }, nbformat: 4, nbformat_minor: 5 };
}
