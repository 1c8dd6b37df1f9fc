import pytest
def test_k(kernel_lab):
    d=kernel_lab.check("hash_embedder"); print(d)
    kernel_lab.bucket("b",["a b c","d e FAIL","x|y"])
    print(kernel_lab.preview("hash_embedder",["a","b FAIL"]).to_pandas())
    r=kernel_lab.process("b","hash_embedder",engine="kernel"); print(r)
@pytest.mark.ray
def test_r(lab):
    lab.bucket("b",["a b c","d e FAIL","x|y"])
    r=lab.process("b","hash_embedder"); print(r)
