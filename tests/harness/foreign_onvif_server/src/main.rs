//! A camera of two profiles: `foreign-onvif-server HOST PORT RTSP_PORT USER PASSWORD`. It listens on all addresses and
//! answers WS-Discovery, so it belongs into a network of its own. Its streams are those of another server.

use async_trait::async_trait;
use onvif_server::{DeviceInfo, DeviceService, MediaProfile, MediaService, OnvifError, OnvifServer};

#[derive(Clone)]
struct Camera {
    host: String,
    rtsp_port: u16,
}

#[async_trait]
impl DeviceService for Camera {
    async fn get_device_information(&self) -> Result<DeviceInfo, OnvifError> {
        Ok(DeviceInfo {
            manufacturer: "Cửa hàng & Sons".to_string(),
            model: "Crate-1".to_string(),
            firmware_version: "0.1.1".to_string(),
            serial_number: "RS-000001".to_string(),
            hardware_id: "crate".to_string(),
        })
    }
}

#[async_trait]
impl MediaService for Camera {
    fn profiles(&self) -> Vec<MediaProfile> {
        [("main", 640, 360), ("sub", 320, 180)]
            .into_iter()
            .map(|(token, width, height)| MediaProfile {
                token: token.to_string(),
                name: format!("{token} stream"),
                video_source_token: "source".to_string(),
                width,
                height,
                encoding: "H264".to_string(),
                framerate: 25,
                bitrate: 1024,
            })
            .collect()
    }

    async fn get_stream_uri(&self, profile: &str) -> Result<String, OnvifError> {
        Ok(format!("rtsp://{}:{}/{profile}", self.host, self.rtsp_port))
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [host, port, rtsp_port, user, password] = arguments.as_slice() else {
        panic!("HOST PORT RTSP_PORT USER PASSWORD are wanted");
    };
    let camera = Camera {
        host: host.clone(),
        rtsp_port: rtsp_port.parse().expect("a port"),
    };
    OnvifServer::builder()
        .port(port.parse().expect("a port"))
        .advertised_host(host)
        .device_service(camera.clone())
        .media_service(camera)
        .auth(user, password)
        .build()
        .expect("a whole device")
        .run()
        .await
        .expect("a free port");
}
