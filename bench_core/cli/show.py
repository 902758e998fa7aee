"""`bench show`: one method's record."""

import click


@click.command()
@click.argument("method")
@click.option("--scale", type=click.Choice(["paper", "nano"]), default="paper", show_default=True)
def show(method: str, scale: str) -> None:
    """Print METHOD's citation, what it serves, its recipe, and its networks with their counted parameters.

    \b
    Example: bench show telea
    """
    import torch

    from bench_core.errors import BadInput
    from bench_core.plugins import Plugins
    from bench_core.specs import resolve

    found = Plugins.find()
    model = found.model(method)
    found.load_all()  # another plugin may bring a loss term of its recipe
    if scale not in model.scales:
        raise BadInput(f"{method} has no scale {scale!r}, only {', '.join(model.scales)}.")
    click.echo(f"{model.name}: {model.title}\n{model.citation}\n")
    click.echo(f"images     {' or '.join(map(str, model.channels))} channels, ", nl=False)
    fixed = model.fixed_size.get(scale)
    sides = f"sides of {fixed} pixels only" if fixed else f"sides that are multiples of {model.size_multiple[scale]}"
    click.echo(f"{sides} (scale {scale})\nmasks      {'some, told when a run begins' if model.serves else 'any'}")
    for name, value in model.options.items():
        click.echo(f"option     {model.name.partition(':')[0]}.{name}={str(value).lower()}")
    for layout in model.checkpoints:
        click.echo(f"weights    {layout.name}: {layout.title} ({layout.source})")
    if model.recipe is None:
        click.echo("recipe     nothing is trained")
        return
    recipe = model.recipe
    click.echo(f"batch      {recipe.batch or 'not stated'} (the paper's)")
    click.echo(f"steps      {recipe.steps or 'not stated'} (the paper's)")
    click.echo(f"init       {recipe.initialisation}")
    public = found.records("losses")
    titles = {**public, **{loss.name: loss for loss in model.losses}}
    for phase in recipe.phases:
        click.echo(f"\nphase {phase.name!r}, share {phase.share:g} of the budget")
        for number, one_round in enumerate(phase.rounds, start=1):
            for update in one_round:
                settings = ", ".join(f"{key} {value}" for key, value in update.optimiser.settings.items())
                click.echo(f"  batch {number}: {update.network} by {update.optimiser.name} ({settings})")
                for name, weight in update.losses.items():
                    click.echo(f"    {weight:<8g} {name:18} {titles[name].title}")
    click.echo("\nnetworks")
    with torch.device("meta"):
        built = resolve(model.build)(scale, model.channels[-1], **model.options)
    for name, network in built.named_children():
        click.echo(f"  {name:16} {sum(p.numel() for p in network.parameters()):>12,} parameters")
