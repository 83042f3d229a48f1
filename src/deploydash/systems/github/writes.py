"""The requests that change something on GitHub, each sent once. Imported by ``act`` and what it is made of alone."""

from __future__ import annotations

from deploydash.systems.github.client import GithubClient
from deploydash.systems.github.objects import PullRequest, pull_request, text

_ENQUEUE = """mutation($pull: ID!, $sha: GitObjectID!) {
  enqueuePullRequest(input: {pullRequestId: $pull, expectedHeadOid: $sha}) { mergeQueueEntry { state position } }
}"""
_REVERT = """mutation($pull: ID!, $title: String!, $body: String!) {
  revertPullRequest(input: {pullRequestId: $pull, title: $title, body: $body}) { revertPullRequest { number url } }
}"""


async def open_pull(
    client: GithubClient, repository: str, branch: str, base: str, title: str, body: str
) -> PullRequest:
    """Open a pull request; HttpError and GithubError as the client has them."""
    document = {"title": title, "head": branch, "base": base, "body": body, "draft": False}
    return pull_request(await client.send("POST", f"/repos/{repository}/pulls", document))


async def merge_pull(client: GithubClient, repository: str, number: int, sha: str, method: str) -> str:
    """Merge a pull request if its head is this commit still; return the commit of the merge."""
    document = {"sha": sha, "merge_method": method}
    told = await client.send("PUT", f"/repos/{repository}/pulls/{number}/merge", document)
    return text(told, "sha")


async def enqueue_pull(client: GithubClient, pull: PullRequest) -> None:
    """Put a pull request into the merge queue if its head is this commit still: that is no merge yet."""
    await client.graphql(_ENQUEUE, pull=pull.node_id, sha=pull.sha)


async def revert_pull(client: GithubClient, pull: PullRequest, title: str, body: str) -> int:
    """Open the pull request that takes a merged one back, unmerged; return its number, 0 where GitHub names none."""
    told = await client.graphql(_REVERT, pull=pull.node_id, title=title, body=body)
    for key in ("revertPullRequest", "revertPullRequest"):
        told = told.get(key) if isinstance(told, dict) else None
    number = told.get("number") if isinstance(told, dict) else None
    return number if isinstance(number, int) else 0
