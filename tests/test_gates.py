"""Gates: found, recorded and edited as the definitions say, and the network left as it was."""

from __future__ import annotations

import threading

import pytest
import torch
from networks import lively, pictures
from torch import nn

import seviz
from seviz.errors import RequestError
from seviz.gates import edit_gates, find_gates, record_gates, scopes, tap, tap_inputs
from seviz.nets import SqueezeExcite


@pytest.fixture(scope="module")
def net() -> nn.Module:
    return lively()


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return pictures(4).permute(0, 3, 1, 2).float() / 128 - 1


def hook_count(net: nn.Module) -> int:
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in net.modules())


def test_sites_carry_path_stage_block_and_widths(net):
    sites = find_gates(net)
    assert [site.path for site in sites] == [f"layer{s}.{b}.se" for s in (1, 2, 3) for b in (0, 1, 2)]
    assert [(site.stage, site.block) for site in sites][-1] == (3, 3)
    assert [site.channels for site in sites] == [16] * 3 + [32] * 3 + [64] * 3
    assert [site.hidden for site in sites] == [4] * 3 + [8] * 3 + [16] * 3
    assert sites[4].title == "stage 2 · block 2"


def test_a_plain_network_has_no_gates():
    assert find_gates(lively("resnet20")) == ()


def test_recorded_gates_follow_the_papers_equations(net, x):
    with record_gates(net) as recording, tap_inputs(net, ["layer2.1.se"]) as inputs, tap(net, ["layer2.1.se"]) as outputs:
        net(x)
    u, block = inputs["layer2.1.se"], net.get_submodule("layer2.1.se")
    z = torch.stack([torch.stack([channel.double().sum() / channel.numel() for channel in picture]) for picture in u])
    hidden = (z @ block.fc1.weight.double().T + block.fc1.bias.double()).clamp(min=0)
    s = 1 / (1 + torch.exp(-(hidden @ block.fc2.weight.double().T + block.fc2.bias.double())))
    torch.testing.assert_close(recording.squeezes["layer2.1.se"].double(), z, atol=1e-6, rtol=0)
    torch.testing.assert_close(recording.gates["layer2.1.se"].double(), s, atol=1e-6, rtol=0)
    assert torch.equal(outputs["layer2.1.se"], u * recording.gates["layer2.1.se"][:, :, None, None])


@pytest.mark.parametrize("squeeze", ["avg", "none"])
def test_hidden_units_are_recorded_where_they_are_asked_for(squeeze, x):
    net = lively(se_squeeze=squeeze)
    with record_gates(net, hidden=True) as recording:
        net(x)
    for path, block in ((path, net.get_submodule(path)) for path in recording.gates):
        expected = (recording.squeezes[path] @ block.fc1.weight.T + block.fc1.bias).clamp(min=0)
        torch.testing.assert_close(recording.hidden[path], expected, atol=1e-5, rtol=1e-5)
    assert hook_count(net) == 0
    with record_gates(net) as recording:
        net(x)
    assert recording.hidden == {}


def test_recording_changes_no_bit_and_leaves_no_hook(net, x):
    before = net(x)
    with record_gates(net):
        assert torch.equal(net(x), before)
    assert hook_count(net) == 0


def test_hooks_are_gone_after_an_error(net, x):
    with pytest.raises(ZeroDivisionError), record_gates(net), edit_gates(net, {"layer1.0.se": 0.0}), tap(net, ["layer1"]):
        raise ZeroDivisionError
    assert hook_count(net) == 0


def test_the_empty_edit_is_bit_identical(net, x):
    before = net(x)
    with edit_gates(net, {}):
        assert torch.equal(net(x), before)


def test_editing_a_gate_to_its_own_value_changes_no_bit(net, x):
    with record_gates(net) as recording:
        before = net(x)
    with edit_gates(net, dict(recording.gates)):
        assert torch.equal(net(x), before)


def test_all_gates_at_one_is_the_network_without_its_blocks(net, x):
    with edit_gates(net, {site.path: 1.0 for site in find_gates(net)}):
        neutral = net(x)
    plain = lively("resnet20")
    plain.load_state_dict({name: value for name, value in net.state_dict().items() if ".se." not in name})
    assert torch.equal(neutral, plain(x))


def test_an_edit_is_what_multiplies(net, x):
    vector = torch.linspace(0, 1, 64)
    with edit_gates(net, {"layer3.2.se": vector}), tap_inputs(net, ["layer3.2.se"]) as u, tap(net, ["layer3.2.se"]) as out:
        net(x)
    assert torch.equal(out["layer3.2.se"], u["layer3.2.se"] * vector[None, :, None, None])


@pytest.mark.parametrize("record_outside", [True, False])
def test_an_edited_gate_is_recorded_as_edited(net, x, record_outside):
    contexts = [record_gates(net), edit_gates(net, {"layer3.2.se": 0.25})]
    first, second = contexts if record_outside else contexts[::-1]
    with first as a, second as b:
        net(x)
    recording = a or b
    assert torch.equal(recording.gates["layer3.2.se"], torch.full((4, 64), 0.25))


def test_the_inner_of_nested_edits_holds(net, x):
    outer, inner = {"layer1.0.se": 0.5, "layer1.1.se": 0.5}, {"layer1.0.se": 0.25}
    with edit_gates(net, outer), edit_gates(net, inner), record_gates(net) as rec:
        net(x)
    assert rec.gates["layer1.0.se"].unique().tolist() == [0.25]
    assert rec.gates["layer1.1.se"].unique().tolist() == [0.5]


def test_scopes_may_close_in_any_order(net, x):
    """As an ExitStack per view does: the first to open is the first to close."""
    with record_gates(net) as alone:
        net(x)
    first, second = record_gates(net), record_gates(net)
    early, edit, late = edit_gates(net, {"layer1.0.se": 0.5}), edit_gates(net, {"layer3.2.se": 0.25}), second
    first.__enter__()
    early.__enter__()
    edit.__enter__()
    recording = late.__enter__()
    first.__exit__(None, None, None)
    early.__exit__(None, None, None)
    net(x)
    assert torch.equal(recording.gates["layer1.0.se"], alone.gates["layer1.0.se"])
    assert recording.gates["layer3.2.se"].unique().tolist() == [0.25]
    edit.__exit__(None, None, None)
    late.__exit__(None, None, None)
    assert (scopes._open.get(), scopes._edited.get(), hook_count(net)) == ((), (), 0)


def test_each_picture_can_have_its_own_edit(net, x):
    rows = torch.rand(4, 16, generator=torch.Generator().manual_seed(1))
    with edit_gates(net, {"layer1.2.se": rows}):
        together = net(x)
    for index in range(4):
        with edit_gates(net, {"layer1.2.se": rows[index]}):
            torch.testing.assert_close(net(x[index : index + 1])[0], together[index], atol=1e-5, rtol=0)


def test_the_gradient_of_an_edited_gate_agrees_with_finite_differences():
    net = lively().double()
    x = pictures(1).permute(0, 3, 1, 2).double() / 128 - 1

    def score(gate: torch.Tensor) -> torch.Tensor:
        with edit_gates(net, {"layer3.1.se": gate}):
            return net(x)[0, 2]

    assert torch.autograd.gradcheck(score, torch.full((64,), 0.5, dtype=torch.double, requires_grad=True))


@pytest.mark.parametrize("net", [None, "se_resnet20", {}])
def test_what_is_no_module_has_no_gates(net):
    with pytest.raises(RequestError, match="Gates are those of a torch module, not of a"):
        find_gates(net)
    with pytest.raises(RequestError, match="Gates are those of a torch module, not of a"), record_gates(net):
        pass
    with pytest.raises(RequestError, match="Gates are those of a torch module, not of a"), edit_gates(net, {}):
        pass


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        ({"layer9.0.se": 1.0}, "no gate 'layer9.0.se'.*its gates are layer1.0.se"),
        ({"layer1.0.se": torch.ones(17)}, r"layer1.0.se has 16 channels; an edit of shape \(17,\)"),
        ({"layer1.0.se": float("nan")}, "NaN or infinite"),
        ({"layer1.0.se": torch.tensor([float("inf")] * 16)}, "NaN or infinite"),
    ],
)
def test_edits_that_make_no_sense_are_refused(net, edits, sentence):
    with pytest.raises(RequestError, match=sentence), edit_gates(net, edits):
        pass
    assert hook_count(net) == 0


@pytest.mark.parametrize(("value", "kind"), [(None, "NoneType"), (0.5, "float"), ([1.0] * 16, "list")])
def test_a_function_that_makes_no_tensor_is_refused(net, x, value, kind):
    with pytest.raises(RequestError) as raised, edit_gates(net, {"layer1.0.se": lambda gate: value}):
        net(x)
    assert str(raised.value) == f"The edit of layer1.0.se makes a {kind} of the gate, not a tensor."
    assert hook_count(net) == 0


def test_an_edit_for_other_pictures_is_refused(net, x):
    rows = torch.ones(3, 16)
    with pytest.raises(RequestError, match="for 3 pictures; the batch has 4"), edit_gates(net, {"layer1.0.se": rows}):
        net(x)


def test_a_plain_network_says_that_it_has_no_gates():
    with pytest.raises(RequestError, match="none: it is a plain network"), edit_gates(lively("resnet20"), {"layer1.0.se": 1.0}):
        pass


def test_threads_that_share_a_network_do_not_see_each_other(net):
    """While another thread runs the same network, a recording holds this thread's pictures and the edit is this one's."""
    batches = [pictures(1, seed=seed).permute(0, 3, 1, 2).float() / 128 - 1 for seed in range(4)]
    wanted = []
    for batch in batches:
        with record_gates(net) as alone:
            net(batch)
        wanted.append(alone.gates["layer3.2.se"])
    wrong: list[int] = []
    gate = threading.Barrier(4)

    def work(index: int) -> None:
        gate.wait()
        for _ in range(25):
            with record_gates(net) as recording, edit_gates(net, {"layer1.0.se": 1.0} if index == 3 else {}):
                net(batches[index])
            same = torch.allclose(recording.gates["layer3.2.se"], wanted[index], atol=1e-6)
            if same == (index == 3):
                wrong.append(index)

    threads = [threading.Thread(target=work, args=(index,)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert hook_count(net) == 0


def test_a_differentiable_tap_touches_no_parameter(net, x):
    with tap(net, ["layer1", "layer3"], differentiable=True) as caught:
        logits = net(x)
    first, last = torch.autograd.grad(logits[:, 0].sum(), [caught["layer1"], caught["layer3"]])
    assert first.shape == caught["layer1"].shape
    assert last.shape == caught["layer3"].shape
    assert caught["layer1"].is_leaf
    assert all(parameter.grad is None for parameter in net.parameters())


def test_an_unknown_layer_is_refused(net):
    with pytest.raises(RequestError, match=r"no layer 'layer7'.*conv1, bn1"), tap(net, ["layer7"]):
        pass


@pytest.mark.parametrize(
    ("edits", "sentence"),
    [
        (None, "Edits are a list of edits, their text, or gate paths with values, not NoneType"),
        ([("layer1.0.se", 1.0)], "is no edit; see seviz.edits"),
        ([None], "None is no edit; see seviz.edits"),
        ("layer1.0.se", "layer1.0.se"),
        ({"layer1.0.se": None}, r"The edit of layer1\.0\.se is a number or a tensor, not NoneType"),
        ({"layer1.0.se": "open"}, r"is a number or a tensor, not str"),
        ({"layer1.0.se": [1.0, "x"]}, r"is a number or a tensor, not list"),
        ({"layer1.0.se": {}}, r"is a number or a tensor, not dict"),
        ({"layer1.0.se": 1j}, "is complex"),
        ({1: 1.0}, "There is no gate 1 in this network"),
        ({("layer1.0.se",): 1.0}, "There is no gate"),
    ],
)
def test_edits_of_another_kind_are_one_sentence(net, edits, sentence):
    with pytest.raises(RequestError, match=sentence), edit_gates(net, edits):
        pass
    assert hook_count(net) == 0


def test_gates_without_squeeze_are_recorded_by_pixel(x):
    net = lively(se_squeeze="none")
    with record_gates(net) as recording:
        net(x)
    assert recording.gates["layer1.0.se"].shape == (4, 16, 16, 16)
    with edit_gates(net, {"layer1.0.se": torch.ones(4, 16)}), record_gates(net) as edited:
        net(x)
    assert edited.gates["layer1.0.se"].unique().tolist() == [1.0]


def test_the_public_names_are_these():
    assert seviz.find_gates is find_gates
    assert seviz.record_gates is record_gates
    assert seviz.edit_gates is edit_gates


def test_a_site_outside_a_stage_goes_by_its_path():
    (site,) = find_gates(nn.Sequential(nn.Conv2d(3, 8, 1), SqueezeExcite(8)))
    assert (site.stage, site.title) == (0, "1")
