"""The architecture of jina-embeddings-v2-base-code, which transformers does not have.

A BERT without position embeddings: attention falls off linearly with distance, in both directions
(ALiBi). Queries and keys are normalised, layers are normalised after each part, and the
feed-forward part is a gated GELU. The repository's own code needs functions that transformers 5
has not; and loaded as the plain BERT that its config names, the model would run with random
weights and say nothing.
"""

from __future__ import annotations

import math
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import gelu, scaled_dot_product_attention
from transformers import BertConfig, PreTrainedModel


class JinaBert(PreTrainedModel):
    """The encoder: token ids and their mask (batch, tokens) to states (batch, tokens, width)."""

    config_class = BertConfig
    base_model_prefix = "bert"
    _keys_to_ignore_on_load_unexpected = (r"^pooler\.",)

    def __init__(self, config: BertConfig) -> None:
        super().__init__(config)
        self.embeddings = _Embeddings(config)
        self.encoder = _Encoder(config)
        self.post_init()

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        """The last layer's states. What they are at the padding means nothing."""
        states = self.embeddings(input_ids)
        hidden = attention_mask[:, None, None, :] == 0
        bias = distance_bias(input_ids.shape[1], self.config.num_attention_heads, states)
        bias = bias.masked_fill(hidden, torch.finfo(states.dtype).min)
        return self.encoder(states, bias)


def distance_bias(length: int, heads: int, like: Tensor) -> Tensor:
    """What attention loses by distance: (1, heads, length, length), minus slope times distance."""
    place = torch.arange(length, device=like.device)
    distance = (place[None, :] - place[:, None]).abs()
    falling = torch.tensor(slopes(heads), device=like.device, dtype=torch.float32)
    return (-falling[:, None, None] * distance)[None].to(like.dtype)


def slopes(heads: int) -> list[float]:
    """One slope per head: powers of 2^(-8/n) for n a power of two, else as the paper fills up."""
    power = 2 ** math.floor(math.log2(heads))
    first = [2 ** (-8 * (i + 1) / power) for i in range(power)]
    return first if power == heads else first + slopes(2 * power)[0::2][: heads - power]


class _Embeddings(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width = config.hidden_size
        self.word_embeddings = nn.Embedding(config.vocab_size, width, config.pad_token_id)
        self.token_type_embeddings = nn.Embedding(config.type_vocab_size, width)
        self.LayerNorm = nn.LayerNorm(width, eps=config.layer_norm_eps)

    def forward(self, input_ids: Tensor) -> Tensor:
        kinds = self.token_type_embeddings(torch.zeros_like(input_ids))
        found: Tensor = self.LayerNorm(self.word_embeddings(input_ids) + kinds)
        return found


class _Encoder(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.layer = nn.ModuleList(_Layer(config) for _ in range(config.num_hidden_layers))

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        for layer in self.layer:
            states = layer(states, bias)
        return states


class _Layer(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.attention = _Attention(config)
        self.mlp = _GatedMLP(config)
        self.layer_norm_1 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)
        self.layer_norm_2 = nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        states = self.layer_norm_1(states + self.attention(states, bias))
        found: Tensor = self.layer_norm_2(states + self.mlp(states))
        return found


class _Attention(nn.Module):
    """Names of the parts are those of the checkpoint's weights."""

    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.self = _SelfAttention(config)
        self.output = nn.ModuleDict(
            {
                "dense": nn.Linear(config.hidden_size, config.hidden_size),
                "LayerNorm": nn.LayerNorm(config.hidden_size, eps=config.layer_norm_eps),
            }
        )

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        mixed = self.output["dense"](self.self(states, bias))
        found: Tensor = self.output["LayerNorm"](mixed + states)
        return found


class _SelfAttention(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        width, self.heads = config.hidden_size, config.num_attention_heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.layer_norm_q = nn.LayerNorm(width, eps=config.layer_norm_eps)
        self.layer_norm_k = nn.LayerNorm(width, eps=config.layer_norm_eps)

    def forward(self, states: Tensor, bias: Tensor) -> Tensor:
        query = self._split(self.layer_norm_q(self.query(states)))
        key = self._split(self.layer_norm_k(self.key(states)))
        mixed = scaled_dot_product_attention(query, key, self._split(self.value(states)), bias)
        return mixed.transpose(1, 2).flatten(2)

    def _split(self, states: Tensor) -> Tensor:
        return states.unflatten(2, (self.heads, -1)).transpose(1, 2)


class _GatedMLP(nn.Module):
    def __init__(self, config: BertConfig) -> None:
        super().__init__()
        self.up_gated_layer = nn.Linear(
            config.hidden_size, 2 * config.intermediate_size, bias=False
        )
        self.down_layer = nn.Linear(config.intermediate_size, config.hidden_size)

    def forward(self, states: Tensor) -> Tensor:
        up, gate = self.up_gated_layer(states).chunk(2, dim=-1)
        found: Tensor = self.down_layer(up * gelu(gate))
        return found


_READ = (
    "vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "intermediate_size",
    "layer_norm_eps", "pad_token_id", "type_vocab_size",
)  # fmt: skip


def read_config(model_id: str, **options: Any) -> BertConfig:
    """The checkpoint's sizes; what else its config says is for the repository's own code.

    ValueError where it is not of this architecture.
    """
    given, _ = BertConfig.get_config_dict(model_id, **options)
    kind, feed = given.get("position_embedding_type"), given.get("feed_forward_type")
    if kind != "alibi" or feed != "geglu":
        raise ValueError(
            f"position_embedding_type is {kind!r} and feed_forward_type {feed!r}, "
            "where 'alibi' and 'geglu' are expected"
        )
    return BertConfig(**{name: given[name] for name in _READ if name in given})
