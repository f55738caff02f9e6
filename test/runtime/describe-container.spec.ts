import { containerIdIn } from '../../lib/runtime/describe-container.js';

const ID = '3f29a6c1e8d7b4a5c6d7e8f90123456789abcdef0123456789abcdef01234567';

describe('containerIdIn', () => {
  it.each([
    ['Docker', `12:memory:/docker/${ID}\n11:cpu:/docker/${ID}\n`, ID],
    ['Docker by systemd', `0::/system.slice/docker-${ID}.scope\n`, ID],
    ['containerd by systemd', `0::/kubelet.slice/pod7.slice/cri-containerd-${ID}.scope\n`, ID],
    ['CRI-O', `1:name=systemd:/kubepods.slice/kubepods-pod7.slice/crio-${ID}.scope\n`, ID],
    ['Podman', `0::/machine.slice/libpod-${ID}.scope\n`, ID],
    ['kubelet with cgroupfs', `4:cpu:/kubepods/burstable/pod7c1d/${ID}\n`, ID],
    ['containerd with a prefix', `0::/../cri-containerd:${ID}\n`, ID],
    [
      'ECS on Fargate',
      '9:perf_event:/ecs/55091c13/b7e4a5c6d7e8f90123456789abcdef01-1234567890\n',
      'b7e4a5c6d7e8f90123456789abcdef01-1234567890',
    ],
    ['no container', '0::/user.slice/user-1000.slice/session-2.scope\n', undefined],
    ['an empty list', '', undefined],
  ])('reads the id from the control groups: %s', (_engine, cgroup, expected) => {
    expect(containerIdIn(cgroup, '')).toBe(expected);
  });

  it.each([
    [
      'Docker',
      `1 2 0:3 / / rw - overlay overlay rw\n4 1 8:1 /var/lib/docker/containers/${ID}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n`,
      ID,
    ],
    [
      'Podman',
      `4 1 8:1 /containers/overlay-containers/${ID}/userdata/hostname /etc/hostname rw - ext4 x rw\n`,
      ID,
    ],
    ['no container', '1 2 0:3 / / rw - ext4 /dev/sda1 rw\n', undefined],
    // The pod's, which all its containers share.
    [
      'containerd',
      `4 1 8:1 /var/lib/containerd/sandboxes/${ID}/hostname /etc/hostname rw - ext4 x rw\n`,
      undefined,
    ],
  ])('reads the id from the mounts where control groups have no path: %s', (_engine, mounts, expected) => {
    expect(containerIdIn('0::/\n', mounts)).toBe(expected);
  });
});
