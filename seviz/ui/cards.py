"""Models: the twins side by side, and what an SE block is."""

from __future__ import annotations

import streamlit as st

from seviz.analysis import paper
from seviz.checkpoints import Checkpoint
from seviz.figures import block, networks
from seviz.ui import address, evaluations, seeds, show
from seviz.ui.choice import Choice
from seviz.ui.text import plain


def twins(choice: Choice) -> None:
    """The two chosen networks as one table with differences."""
    if choice.against is None:
        st.info("Choose a second network in the sidebar to compare with.")
        return
    first, second = choice.model, choice.against
    rows: list[tuple[str, str, str, str]] = []
    for name, unit, values in (
        ("parameters", "", (first.card.parameters, second.card.parameters)),
        ("multiply-adds", "", (first.card.multiply_adds, second.card.multiply_adds)),
        ("weights, bytes", "", (first.size_bytes, second.size_bytes)),
    ):
        difference = values[0] - values[1]
        share = f" ({difference / values[1]:+.2%})" if values[1] else ""
        rows.append((name, f"{values[0]:,}{unit}", f"{values[1]:,}{unit}", f"{difference:+,}{share}"))
    found = evaluations.measured((first, second))
    if len(found) == 2:
        shown = [f"{one.accuracy:.2%} ({one.interval[0]:.2%} to {one.interval[1]:.2%})" for one in found.values()]
        points = 100 * (found[first.name].accuracy - found[second.name].accuracy)
        rows.append(("test accuracy (95 % interval)", shown[0], shown[1], f"{points:+.2f} points"))
    columns = ("", plain(first.name), plain(second.name), "difference")  # of a table of Markdown
    st.table({column: [row[index] for row in rows] for index, column in enumerate(columns)})
    st.caption(f"{_told_difference(first, second)} Multiply-adds count convolutions and matrix products.")


def _told_difference(first: Checkpoint, second: Checkpoint) -> str:
    """The difference of the accuracies in words that follow from the numbers."""
    found = evaluations.paired(first, second)
    if found is None:
        return ""
    low, high = (100 * end for end in found.bootstrap)
    verdict = "a difference" if found.told else "no difference can be told"
    return (
        f"On the {found.n:,} pictures that both saw, {found.only_first} were right for {plain(first.name)} "
        f"alone and {found.only_second} for {plain(second.name)} alone: {100 * found.difference:+.2f} points, 95 % interval "
        f"{low:+.2f} to {high:+.2f} (paired bootstrap): {verdict}. {seeds.verdict(first, second)}"
    )


def in_the_paper() -> None:
    """The paper's ResNet-50, SE-ResNet-50 and ResNet-101."""
    names = {"top-1": "top1", "top-5": "top5"}
    error = address.one_of("Error", list(names), "error")
    pairs = [paper.imagenet(name) for name in ("ResNet-50", "ResNet-101")]
    results = [result for pair in pairs for result in (pair.plain, pair.se)]
    table: show.Table = {
        "network": [result.name for result in results],
        "top-1 error (%)": [result.top1 for result in results],
        "top-5 error (%)": [result.top5 for result in results],
        "multiply-adds (G)": [result.multiply_adds for result in results],
    }
    show.figure(networks.paper_chart(error=names[error]), "paper", table=table)
    counted = {one.name: one for one in paper.COUNTED}
    plain, se = counted["ResNet-50"], counted["SE-ResNet-50"]
    st.caption(
        "ImageNet validation, one centre crop; Hu et al. 2020, Table 2 (multiply-adds as the paper gives them, which it calls "
        f"GFLOPs). Counted here, convolutions and matrix products only: ResNet-50 {plain.multiply_adds:.2f} G and "
        f"{plain.parameters / 1e6:.2f} M parameters, SE-ResNet-50 {se.multiply_adds:.2f} G and {se.parameters / 1e6:.2f} M "
        f"(+{(se.parameters - plain.parameters) / plain.parameters:.1%} parameters)."
    )


def the_block() -> None:
    """Squeeze, excitation and recalibration as equations, with the block drawn inside a residual unit."""
    left, right = st.columns([1, 1], gap="large")
    with left:
        show.drawing(block.block_drawing(), block.ALT)
    with right:
        st.markdown("**Squeeze.** Each channel $u_c$ of the branch is pooled to one number.")
        st.latex(r"z_c = \frac{1}{H W} \sum_{i=1}^{H} \sum_{j=1}^{W} u_c(i, j)")
        st.markdown(
            "**Excitation.** Two small layers with $C / r$ hidden units between them turn all $C$ numbers into $C$ gates "
            "between 0 and 1; $\\delta$ is the ReLU and $\\sigma$ the sigmoid."
        )
        st.latex(r"s = \sigma(W_2 \, \delta(W_1 z))")
        st.markdown("**Recalibration.** Each channel is multiplied by its gate, then added to the shortcut.")
        st.latex(r"\tilde{x}_c = s_c \cdot u_c \,")  # the space keeps the last index from making it scroll
        st.caption("Hu et al. 2020, equations 2 to 4. Our blocks have biases in both layers.")


def aspect_by_aspect() -> None:
    """The comparison of ResNet and SE-ResNet in words and figures of the paper."""
    plain, se = paper.imagenet("ResNet-50").plain, paper.imagenet("ResNet-50").se
    counted = {one.name: one for one in paper.COUNTED}
    growth = counted["SE-ResNet-50"].parameters / counted["ResNet-50"].parameters - 1
    st.table(
        {
            "aspect": [
                "Channel attention",
                "Residual block",
                "Parameters (50 layers)",
                "Computation (50 layers)",
                "Top-1 error, ImageNet",
                "Top-5 error, ImageNet",
                "Flexibility",
            ],
            "ResNet": [
                "none: every channel counts the same for every picture",
                "branch + shortcut",
                f"{counted['ResNet-50'].parameters / 1e6:.1f} M",
                f"{plain.multiply_adds} G multiply-adds",
                f"{plain.top1:.2f} %",
                f"{plain.top5:.2f} %",
                "a fixed weighting of channels, learned once",
            ],
            "SE-ResNet": [
                "a gate a channel, worked out from the whole map",
                "gates x branch + shortcut",
                f"{counted['SE-ResNet-50'].parameters / 1e6:.1f} M (+{growth:.1%})",
                f"{se.multiply_adds} G multiply-adds",
                f"{se.top1:.2f} %",
                f"{se.top5:.2f} %",
                "reweighs its channels for each picture; fits into any CNN",
            ],
        }
    )
