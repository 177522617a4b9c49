"""`python -m deploy.embedded.pin`: resolve the Java archives again and write jars.toml."""

import sys
import tempfile
from pathlib import Path

from deploy.embedded.jars import PINS, sha256_of

ENDPOINTS = {
    "kafka": "org.apache.kafka:kafka_2.13:4.3.0+org.slf4j:slf4j-simple:1.7.36",
    "test": "com.icegreen:greenmail-standalone:RELEASE",
}


def rows(endpoint: str, staging: Path) -> list[str]:
    """The pin file's lines for everything that `endpoint` (`group:artifact:version`, joined by `+`) needs."""
    from jgo.env import EnvironmentBuilder, LinkStrategy
    from jgo.maven import MavenContext

    context = MavenContext(repo_cache=staging / "repository")
    for coordinate in endpoint.split("+"):
        group, artifact, version = coordinate.split(":")
        if version == "RELEASE":
            project = context.project(group, artifact)
            project.update()
            endpoint = endpoint.replace(coordinate, f"{group}:{artifact}:{project.release}")
    builder = EnvironmentBuilder(context=context, cache_dir=staging / "environments", link_strategy=LinkStrategy.SOFT)
    environment = builder.from_endpoint(endpoint)
    found = []
    for file in sorted([*environment.path.glob("jars/*.jar"), *environment.path.glob("modules/*.jar")]):
        *group_parts, artifact, version, _ = file.resolve().relative_to(staging / "repository").parts
        coordinate = f"{'.'.join(group_parts)}:{artifact}:{version}"
        found.append(f'"{file.name}" = {{ coordinate = "{coordinate}", sha256 = "{sha256_of(file)}" }}')
    return sorted(found)


def main() -> None:
    """Write jars.toml from what the repositories answer today."""
    lines = ["# Written by `python -m deploy.embedded.pin`; every archive of the class path, and nothing else."]
    with tempfile.TemporaryDirectory() as staging:
        for group, endpoint in ENDPOINTS.items():
            lines += ["", f"[{group}]", *rows(endpoint, Path(staging).resolve())]
    PINS.write_text("\n".join(lines) + "\n", "utf-8")
    sys.stdout.write(f"{PINS}\n")


if __name__ == "__main__":
    main()
