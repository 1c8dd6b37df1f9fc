"""What a manifest asks of its surroundings: is it here, and what would bring it?"""

from __future__ import annotations

from mixpeek_lab.requirements.checking import check_requirements
from mixpeek_lab.requirements.debian import SystemPackages, check_system_packages
from mixpeek_lab.requirements.dockerfile import dockerfile
from mixpeek_lab.requirements.imports import explain_missing_module
from mixpeek_lab.requirements.python import Dependency, check_dependencies, install_command

__all__ = [
    "Dependency",
    "SystemPackages",
    "check_dependencies",
    "check_requirements",
    "check_system_packages",
    "dockerfile",
    "explain_missing_module",
    "install_command",
]
