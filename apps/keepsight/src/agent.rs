//! `keepsight agent ..`: says in words what the agent does and found. Behaviour lies in the agent's own crate.

use std::io::BufRead;
use std::path::Path;

use anyhow::{Context, bail};
use keepsight_agent::{AgentConfig, AgentDir, AgentStatus, CameraStatus, Found, NewCamera, Source, probe};
use keepsight_camera::{
    DemoView, FoundStream, Login, Mask, Password, RtspSource, RtspUrl, Sensitivity, WatchSettings,
};
use keepsight_ids::CameraId;
use keepsight_wire::people::CameraState;
use keepsight_world::World;
use url::Url;

use crate::cli::{AgentCommand, AgentOptions};
use crate::say;
use crate::serve::stop_signal;

/// A camera as the command line names it.
struct Named {
    url: String,
    user: Option<String>,
    substream: Option<String>,
    password_stdin: bool,
}

/// Runs one of the agent's commands.
pub async fn run(options: AgentOptions, world: World) -> anyhow::Result<()> {
    let dir = AgentDir::open(&options.data, AgentConfig::default(), world.clone())?;
    match options.command {
        AgentCommand::Pair { server, code } => pair(&dir, &server, &code).await,
        AgentCommand::Add { name, url, user, substream, password_stdin, sensitivity, mask } => {
            let camera = Named { url, user, substream, password_stdin };
            add(&dir, name, camera, watch_settings(sensitivity, &mask)?, &world).await
        }
        AgentCommand::Test { url, user, password_stdin, picture } => {
            let camera = Named { url, user, substream: None, password_stdin };
            test(camera, picture.as_deref(), &world).await
        }
        AgentCommand::Trigger { camera } => {
            dir.trigger(camera_id(&camera)?).await?;
            say!("Recording an Event now.")
        }
        AgentCommand::Accept { camera } => {
            dir.accept_camera(camera_id(&camera)?).await?;
            say!("Recording goes on with the camera that answers now.")
        }
        AgentCommand::Remove { camera } => {
            dir.remove_camera(camera_id(&camera)?).await?;
            say!("It is watched no longer. What it recorded stays in the home.")
        }
        AgentCommand::Run => record(&dir).await,
        AgentCommand::Status => status(&dir.status().await?),
        AgentCommand::Reset { yes } => reset(&dir, yes).await,
    }
}

async fn pair(dir: &AgentDir, server: &str, code: &str) -> anyhow::Result<()> {
    let server = Url::parse(server).context("the server's address looks like https://example.org:8420")?;
    let paired = dir.pair(&server, code).await?;
    say!("Paired with home {}.", paired.home)?;
    say!("The owner's browser lets this box in within seconds, as long as its page is open.")?;
    say!("Next: keepsight agent add \"Hall\" rtsp://192.0.2.10/main --user admin")
}

async fn add(
    dir: &AgentDir,
    name: String,
    camera: Named,
    mut watch: WatchSettings,
    world: &World,
) -> anyhow::Result<()> {
    let source = if let Some(view) = camera.url.strip_prefix("demo://") {
        demo(view)?
    } else {
        let rtsp = rtsp(&camera)?;
        let found = probe(&rtsp.main, rtsp.login.as_ref(), world).await?;
        describe(&found)?;
        if let Some(sub) = &rtsp.sub {
            say!("On the smaller stream:")?;
            describe(&probe(sub, rtsp.login.as_ref(), world).await?)?;
        }
        watch.expected = Some(found.identity);
        Source::from(&rtsp)
    };
    let id = dir.add_camera(&NewCamera { name: name.clone(), source, watch }).await?;
    say!("Added \"{name}\" as {id}.")?;
    if !dir.status().await?.running {
        say!("Next: keepsight agent run")?;
    }
    Ok(())
}

async fn test(camera: Named, picture: Option<&Path>, world: &World) -> anyhow::Result<()> {
    let rtsp = rtsp(&camera)?;
    let found = probe(&rtsp.main, rtsp.login.as_ref(), world).await?;
    describe(&found)?;
    match (picture, &found.snapshot) {
        (Some(path), Some(jpeg)) => {
            std::fs::write(path, jpeg).with_context(|| format!("cannot write {}", path.display()))?;
            say!("Its picture: {}", path.display())
        }
        (Some(_), None) => bail!("no picture came in time; the camera's key frames may be far apart"),
        (None, _) => Ok(()),
    }
}

async fn record(dir: &AgentDir) -> anyhow::Result<()> {
    say!("The agent is running; Ctrl-C stops it.")?;
    dir.run(stop_signal()?).await?;
    Ok(())
}

async fn reset(dir: &AgentDir, yes: bool) -> anyhow::Result<()> {
    if !yes {
        let status = dir.status().await?;
        let waiting = status.spool.events;
        bail!(
            "this forgets the home, the key, {} camera(s) and {waiting} Event(s) that are not uploaded; \
             add --yes to do it",
            status.cameras.len()
        );
    }
    dir.reset().await?;
    say!("This box is as new. In the home it came from, an owner removes it from the list.")
}

fn camera_id(text: &str) -> anyhow::Result<CameraId> {
    text.parse().context("`keepsight agent status` prints the cameras' ids")
}

fn rtsp(camera: &Named) -> anyhow::Result<RtspSource> {
    let (main, in_url) = RtspUrl::with_login(&camera.url)?;
    let sub = camera.substream.as_deref().map(RtspUrl::with_login).transpose()?.map(|(url, _)| url);
    let user = camera.user.clone().or_else(|| in_url.as_ref().map(|login| login.user.clone()));
    let login = match (user, in_url) {
        (None, _) => None,
        (Some(user), Some(given)) if !given.password.expose().is_empty() => Some(Login { user, ..given }),
        (Some(user), _) => Some(Login { password: ask_password(camera.password_stdin)?, user }),
    };
    Ok(RtspSource { main, sub, login })
}

/// `demo://hall`: a built-in camera, to try an agent without one.
fn demo(view: &str) -> anyhow::Result<Source> {
    let named = |candidate: &DemoView| candidate.name().to_lowercase().replace(' ', "-") == view;
    let known = || DemoView::ALL.map(|view| view.name().to_lowercase().replace(' ', "-")).join(", demo://");
    let view = DemoView::ALL.into_iter().find(named);
    let view = view.with_context(|| format!("the built-in cameras are demo://{}", known()))?;
    Ok(Source::demo("Demo", view, "UTC"))
}

fn ask_password(from_stdin: bool) -> anyhow::Result<Password> {
    if from_stdin {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line).context("cannot read the password")?;
        return Ok(Password::new(line.trim_end_matches(['\r', '\n'])));
    }
    let typed = rpassword::prompt_password("The camera's password: ");
    Ok(Password::new(typed.context("cannot ask for the password here; use --password-stdin")?))
}

fn watch_settings(sensitivity: u8, masks: &[String]) -> anyhow::Result<WatchSettings> {
    let sensitivity = Sensitivity::new(sensitivity).context("a sensitivity is a number from 1 to 10")?;
    let masks = masks.iter().map(|text| mask(text)).collect::<Result<_, _>>()?;
    Ok(WatchSettings { sensitivity, masks, ..WatchSettings::default() })
}

fn mask(text: &str) -> anyhow::Result<Mask> {
    let parts: Result<Vec<f32>, _> = text.split(',').map(|part| part.trim().parse()).collect();
    match parts.ok().as_deref() {
        Some(&[x, y, w, h]) if [x, y, w, h, x + w, y + h].iter().all(|part| (0.0..=1.0).contains(part)) => {
            Ok(Mask::Rectangle { x, y, w, h })
        }
        _ => bail!("a mask is four numbers: x,y,width,height in fractions of the picture, like 0,0,1,0.2"),
    }
}

fn describe(found: &Found) -> anyhow::Result<()> {
    for stream in &found.streams {
        say!("  {}", described(stream))?;
    }
    Ok(())
}

fn described(stream: &FoundStream) -> String {
    let mut text = format!("{}: {}", stream.media, stream.codec);
    if let Some((width, height)) = stream.size {
        text += &format!(", {width}x{height}");
    }
    if let Some(fps) = stream.fps {
        text += &format!(", {fps:.0} pictures a second");
    }
    if let Some((rate, channels)) = stream.sound {
        text += &format!(", {rate} Hz, {channels} channel(s)");
    }
    if !stream.recorded {
        text += " (not recorded)";
    }
    text
}

fn status(status: &AgentStatus) -> anyhow::Result<()> {
    say!("Agent {}: {}", status.version, if status.running { "running" } else { "not running" })?;
    match &status.home {
        None => say!("Not paired. The owner's browser shows a code: keepsight agent pair --server URL CODE")?,
        Some(home) => {
            say!("Home {} as {}", home.home, home.agent)?;
            say!("Server {} ({})", home.server, if home.connected { "connected" } else { "not connected" })?;
            if !home.admitted {
                say!("Not let in yet: open the home's page in an owner's browser.")?;
            }
            if let Some(refused) = &home.chain_refused {
                say!("REFUSED what the server showed: {refused}")?;
            }
        }
    }
    for camera in &status.cameras {
        say!("{}  {}  {}", camera.camera, camera.name, condition(camera))?;
    }
    let spool = &status.spool;
    say!(
        "Waiting for upload: {} Event(s), {} MB of {} MB",
        spool.events,
        spool.bytes >> 20,
        spool.budget >> 20
    )
}

fn condition(camera: &CameraStatus) -> String {
    let reason = camera.reason.as_deref().unwrap_or("it does not answer");
    match camera.state {
        None => "(the agent is not running)".into(),
        Some(CameraState::Recording) => "recording".into(),
        Some(CameraState::NotReached | CameraState::AgentAway) => format!("not reached: {reason}"),
        Some(CameraState::Changed) => {
            "another camera answers at its address; `keepsight agent accept` takes it".into()
        }
        Some(CameraState::Off) => "switched off by an owner".into(),
        Some(CameraState::Removed) => "removed by an owner".into(),
    }
}

/// Prints a line to standard output; a closed pipe is an error, not a panic.
#[macro_export]
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        writeln!(std::io::stdout(), $($text)*).map_err(anyhow::Error::from)
    }};
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn masks_are_four_fractions() {
        assert!(mask("0,0,1,0.2").is_ok());
        assert!(mask("0,0,1").is_err());
        assert!(mask("0,0,2,1").is_err());
        assert!(mask("a,b,c,d").is_err());
    }

    #[test]
    fn an_unknown_demo_camera_names_the_known_ones() {
        assert!(format!("{:#}", demo("attic").unwrap_err()).contains("demo://hall"));
        assert!(demo("front-door").is_ok());
    }
}
