"""run_tool with FFmpeg, ImageMagick, SoX, ExifTool and MediaInfo, on files that are made here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest

from mixpeek_lab.sdk import ToolError, ToolTimeoutError, run_tool


def needs(*names):
    missing = [name for name in names if not shutil.which(name)]
    return pytest.mark.skipif(bool(missing), reason=f"not installed: {' '.join(missing)}")


def _imagemagick(name):
    """Where ImageMagick's own `name` is, None without one."""
    for folder in os.get_exec_path():
        path = Path(folder, name)
        if path.exists() and b"#!" not in path.read_bytes()[:2]:
            said = subprocess.run([path, "-version"], capture_output=True, text=True, check=False)
            if "ImageMagick" in said.stdout:
                return path
    return None


def only(tmp_path, monkeypatch, programs):
    """Put these programs on PATH, and nothing else."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name, path in programs.items():
        (folder / name).symlink_to(path)
    monkeypatch.setenv("PATH", str(folder))


IMAGEMAGICK = {
    name: path for name in ("convert", "identify", "magick") if (path := _imagemagick(name))
}


@pytest.fixture
def clip(tmp_path):
    """A second of video with sound, made by FFmpeg."""
    path = tmp_path / "a clip.mp4"
    sources = ["-f", "lavfi", "-i", "testsrc=s=64x48:r=10:d=1", "-f", "lavfi", "-i", "sine=d=1"]
    run_tool("ffmpeg", ["-y", *sources, "-c:v", "mpeg4", "-c:a", "aac", path], timeout=120)
    return path


@needs("ffmpeg", "ffprobe")
def test_ffmpeg_makes_a_clip_and_ffprobe_reads_it(clip, tmp_path):
    given = ["-v", "error", "-of", "json", "-show_streams", "-show_format", clip]
    found = json.loads(run_tool("ffprobe", given, timeout=60).stdout)
    assert {s["codec_name"] for s in found["streams"]} == {"mpeg4", "aac"}
    assert (found["streams"][0]["width"], found["streams"][0]["height"]) == (64, 48)
    assert float(found["format"]["duration"]) == pytest.approx(1, abs=0.1)
    raw = ["-v", "error", "-i", clip, "-frames:v", 2, "-f", "rawvideo", "-pix_fmt", "rgb24", "-"]
    frames = np.frombuffer(run_tool("ffmpeg", raw).stdout.raw, np.uint8).reshape(2, 48, 64, 3)
    assert frames.std() > 20
    # Without -y it asks whether to overwrite: nobody answers, and it must not wait.
    with pytest.raises(ToolError, match="already exists"):
        run_tool("ffmpeg", ["-i", clip, clip.with_suffix(".mp4")], timeout=60)


@needs("ffmpeg")
def test_ffmpeg_is_stopped_at_its_time_limit():
    with pytest.raises(ToolTimeoutError, match=r"Command: ffmpeg -f lavfi"):
        run_tool("ffmpeg", ["-f", "lavfi", "-re", "-i", "testsrc", "-f", "null", "-"], timeout=1)


@needs("ffmpeg", "mediainfo")
def test_mediainfo_reads_a_clip(clip):
    tracks = json.loads(run_tool("mediainfo", ["--Output=JSON", clip]).stdout)["media"]["track"]
    assert [track["@type"] for track in tracks] == ["General", "Video", "Audio"]
    assert tracks[1]["Width"] == "64"


SOX = shutil.which("sox")


@needs("sox")
def test_sox_makes_a_tone_and_soxi_reads_it(tmp_path, monkeypatch):
    only(tmp_path, monkeypatch, {"sox": SOX})
    tone = tmp_path / "tone.wav"
    run_tool("sox", ["-n", "-r", 8000, "-c", 1, tone, "synth", 0.5, "sine", 440])
    assert run_tool("soxi", ["-r", tone]).stdout.strip() == "8000"
    assert float(run_tool("soxi", ["-D", tone]).stdout) == pytest.approx(0.5)
    with pytest.raises(ToolError, match="can't open input file"):
        run_tool("sox", [tmp_path / "none.wav", "-n"])


@needs("sox", "soxi")
def test_soxi_by_its_own_name(tmp_path):
    tone = tmp_path / "tone.wav"
    run_tool("sox", ["-n", "-r", "16000", tone, "trim", "0", "0.25"])
    assert run_tool("soxi", ["-s", tone]).stdout.strip() == "4000"


@pytest.mark.skipif(not IMAGEMAGICK, reason="not installed: ImageMagick")
def test_imagemagick_by_each_of_its_names(tmp_path, monkeypatch):
    """With `convert` and `identify` alone (version 6), and with `magick` alone (version 7)."""
    names = ("magick",) if "magick" in IMAGEMAGICK else ("convert", "identify")
    only(tmp_path, monkeypatch, {name: IMAGEMAGICK[name] for name in names})
    image = tmp_path / "an image.png"
    run_tool("magick", ["-size", "30x20", "gradient:red-blue", image])
    small = tmp_path / "small.png"
    run_tool("convert", [image, "-resize", "50%", small])
    assert run_tool("identify", ["-format", "%wx%h", small]).stdout == "15x10"
    assert run_tool("magick", ["identify", "-format", "%w", image]).stdout == "30"
    pixels = run_tool("convert", [small, "-depth", 8, "rgb:-"]).stdout.raw
    assert len(pixels) == 15 * 10 * 3
    with pytest.raises(ToolError, match=r"none\.png"):
        run_tool("identify", [tmp_path / "none.png"])


@needs("exiftool")
def test_exiftool_writes_and_reads_a_tag(tmp_path):
    from PIL import Image

    photo = tmp_path / "photo.jpg"
    Image.new("RGB", (8, 6), "red").save(photo)
    run_tool("exiftool", ["-overwrite_original", "-Artist=Grace Höpper", photo])
    (found,) = json.loads(run_tool("exiftool", ["-json", "-Artist", "-ImageSize", photo]).stdout)
    assert (found["Artist"], found["ImageSize"]) == ("Grace Höpper", "8x6")
