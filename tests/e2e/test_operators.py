"""What operators do to a deployed vault with the command."""

from tests.e2e.deployment import Deployment, Shelf, Tenant


def test_an_operator_makes_a_workspace(deployed: Deployment) -> None:
    done = deployed.command("workspace", "create", "acme")
    assert (done.returncode, done.stderr) == (0, "")
    workspace = done.stdout.strip()
    tenant = Tenant(deployed, workspace)  # type: ignore[arg-type]
    shelf = tenant.admin.dataset()
    shelf.append({"a": "{}"})
    assert shelf.commit()["records"] == 1
    (row,) = deployed.rows("Catalog", pk=f"workspace/{workspace}", sk="workspace")
    kek = row["kek"]["S"]
    tags = deployed.client("kms").list_resource_tags(KeyId=kek)["Tags"]
    assert {"TagKey": "datavault:workspace", "TagValue": workspace} in tags


def test_an_operator_abandons_a_commit_that_cannot_be_made(
    deployed: Deployment, shelf: Shelf
) -> None:
    words = ["branch", "abandon-commit", shelf.person.tenant.id, shelf.id, "main"]
    shelf.append({"kept": "{}"})
    first = shelf.commit()["id"]
    refused = deployed.command(*words, "--yes")
    assert (refused.returncode, "no commit is pending" in refused.stderr) == (5, True)

    shelf.append({"lost": '{"t":"%s"}' % ("x" * 5000)})
    dataset = f"dataset/{shelf.person.tenant.id}/{shelf.id}"
    (row,) = deployed.rows("Catalog", pk=dataset, sk="dataset")
    s3 = deployed.client("s3")
    pages = s3.get_paginator("list_objects_v2").paginate(Bucket=deployed.bucket)
    staged = f"/{row['store']['S']}/staged/"
    (lost,) = [item["Key"] for page in pages for item in page["Contents"] if staged in item["Key"]]
    s3.delete_object(Bucket=deployed.bucket, Key=lost)
    assert shelf.person.post(f"{shelf.path}/commits", {}).code == "corrupt"
    assert deployed.command(*words).returncode == 1  # Nobody said yes.
    done = deployed.command(*words, "--yes")
    assert (done.returncode, done.stderr) == (0, "")
    assert shelf.lines() == [b"{}"]
    shelf.append({"next": "{}"})
    commit = shelf.commit()
    assert (commit["parents"], commit["records"]) == ([first], 2)
    (entry,) = shelf.person.tenant.entries("abandon_commit")
    assert entry["actor"]["S"].startswith("arn:aws:iam::")
