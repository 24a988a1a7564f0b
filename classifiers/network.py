"""The network that is trained: the encoder, a mean over its words, one linear layer for all heads (needs torch)."""

from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import AutoConfig, AutoModel

from classifiers.rows import SENTIMENTS

OUTPUTS = ("complaint", *SENTIMENTS)
"""The columns of the output: one logit for complaint, three for sentiment."""


class Network(nn.Module):  # type: ignore[misc]
    """Ids and mask, shape (batch, length), to logits, shape (batch, 4), in the order of `OUTPUTS`."""

    def __init__(self, encoder: nn.Module, width: int, dropout: float = 0.1) -> None:
        super().__init__()
        self.encoder = encoder
        self.dropout = nn.Dropout(dropout)
        self.heads = nn.Linear(width, len(OUTPUTS))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> Tensor:
        hidden = self.encoder(input_ids=input_ids, attention_mask=attention_mask).last_hidden_state
        mask = attention_mask.unsqueeze(-1).to(hidden.dtype)
        mean = (hidden * mask).sum(1) / mask.sum(1).clamp(min=1.0)
        logits: Tensor = self.heads(self.dropout(mean))
        return logits


class SharedDropout(nn.Module):  # type: ignore[misc]
    """Dropout with one mask for all words of a text, shape (batch, 1, width): on a CPU it costs next to nothing."""

    def __init__(self, chance: float) -> None:
        super().__init__()
        self.chance = chance

    def forward(self, hidden: Tensor) -> Tensor:
        if not self.training or hidden.ndim != 3:
            return hidden
        kept = torch.rand(hidden.shape[0], 1, hidden.shape[2], dtype=torch.float32) >= self.chance
        return hidden * (kept.to(hidden.dtype) / (1 - self.chance))


def _share_dropout(module: nn.Module) -> None:
    for name, child in module.named_children():
        if isinstance(child, nn.Dropout) and child.p > 0:
            setattr(module, name, SharedDropout(child.p))
        else:
            _share_dropout(child)


def build(backbone: Path, weights: Path | None = None, *, attention: str = "eager") -> Network:
    """Return the network over the encoder in the folder `backbone`, with trained weights where a file is given.

    Attention is by default the plain kind, without dropout on its weights: in bfloat16 on a CPU it is about twice as
    fast as the fused one. The embeddings of words and positions are frozen.
    """
    config = AutoConfig.from_pretrained(backbone, local_files_only=True, attn_implementation=attention)
    config.attention_probs_dropout_prob = 0.0
    encoder = AutoModel.from_pretrained(
        backbone, config=config, local_files_only=True, add_pooling_layer=False, dtype=torch.float32
    )
    _share_dropout(encoder)
    network = Network(encoder, config.hidden_size)
    if weights is not None:
        network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    for name, parameter in network.named_parameters():
        if "word_embeddings" in name or "position_embeddings" in name:
            parameter.requires_grad = False
    return network
