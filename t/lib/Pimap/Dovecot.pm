package Pimap::Dovecot;

# A Dovecot 2.3 of the test's own, every process of it under one ordinary
# account: the one that runs the tests, or "nobody" if that is root.

use strict;
use warnings;

use Cwd qw(abs_path);
use Time::HiRes qw(time);

use Pimap::Mail;
use Pimap::Process qw(wait_for);


# t => the test; driver => "lua", "ox" or "none"; url => of the publish
# location; plugin => further lines of the plugin section;
# capability => instead of Dovecot's own; tls => 1, with the test's
# certificate; imap, main => further lines of "protocol imap", and of the file

sub new {
    my ($class, %set) = @_;

    my ($uid, $gid) = $> == 0 ? (getpwnam('nobody'))[2, 3] : ($>, $) + 0);

    return bless({ driver => 'lua', plugin => '', imap => '', main => '',
        uid => $uid, gid => $gid, %set }, $class);
}


sub start {
    my ($self) = @_;

    my $t = $self->{t};
    my $dir = $self->{dir} = $t->dir() . '/dovecot';

    mkdir($dir) or die "$dir: $!\n" if !-d $dir;
    $t->write_file("$dir/dovecot.conf", $self->_conf());
    chown($self->{uid}, $self->{gid}, $dir);

    my @as = $> == 0 ? ('setpriv', '--reuid', $self->{uid}, '--regid',
        $self->{gid}, '--clear-groups') : ();

    $self->{process} = $t->start(output => $t->dir() . '/dovecot.out',
        command => [@as, 'dovecot', '-F', '-c', "$dir/dovecot.conf"]);

    wait_for(sub { eval { $self->imap()->logout() } })
        or die 'dovecot does not start: ' . $self->log()
            . $t->read_file($t->dir() . '/dovecot.out');

    return $self;
}


sub stop { $_[0]{t}->stop($_[0]{process}) }

# All of its processes at once: with clients it would take its time.
# By TERM they say BYE.

sub kill {
    my ($self, $signal) = @_;

    CORE::kill($signal // 'KILL', -$self->{process}->pid());
    $self->{t}->stop($self->{process});
}


sub log  { $_[0]{t}->read_file("$_[0]{dir}/log") }


# A client that is logged in.

sub imap {
    my ($self, $user) = @_;

    my $imap = Pimap::Mail->connect($self->{t}->port('imap'));

    $imap->command('LOGIN ' . ($user // 'alice') . ' secret');

    return $imap;
}


# Delivers a message by LMTP: the seconds it took.
# to, subject, and if wanted from, body, headers => further lines

sub deliver {
    my ($self, %mail) = @_;

    my $start = time();

    Pimap::Mail->connect($self->{t}->port('lmtp'))->deliver(%mail);

    return time() - $start;
}


sub _conf {
    my ($self) = @_;

    my ($t, $dir) = @{$self}{qw(t dir)};
    my ($user, $group) =
        ((getpwuid($self->{uid}))[0], (getgrgid($self->{gid}))[0]);

    my $lua = $self->{driver} eq 'lua';
    my $plugins = $self->{driver} eq 'none' ? ''
        : 'notify push_notification'
            . ($lua ? ' mail_lua push_notification_lua' : '');
    my $ssl = 'no';

    if ($self->{tls}) {
        my ($cert, $key) = $t->certificate();

        chmod(0644, $key);
        $ssl = "yes\nssl_cert = <$cert\nssl_key = <$key";
    }

    my $imap = $self->{imap};
    $imap .= "\n  imap_capability = $self->{capability}"
        if $self->{capability};
    my $script = abs_path($t->root() . '/integrations/dovecot/pimap.lua');
    my $plugin = $self->{driver} eq 'none' ? '' : $lua
        ? "push_notification_driver = lua:file=$script\n"
            . "  pimap_url = $self->{url}"
        : "push_notification_driver = ox:url=$self->{url} cache_lifetime=1s "
            . 'timeout_msecs=400 max_retries=0';

    return <<"END" . _services();
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/log
protocols = imap lmtp
listen = 127.0.0.1
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1
ssl = $ssl
disable_plaintext_auth = no
$self->{main}

passdb {
  driver = static
  args = password=secret
}

userdb {
  driver = static
  args = uid=$user gid=$group home=$dir/mail/%u allow_all_users=yes
}

mail_location = mdbox:~/mdbox
mail_home = $dir/mail/%u
mail_attribute_dict = file:%h/dovecot-attributes
mail_plugins = $plugins

protocol imap {
  imap_metadata = yes
  $imap
}

protocol lmtp {
  postmaster_address = postmaster\@localhost
}

namespace inbox {
  inbox = yes
  separator = /
}

plugin {
  $plugin
  $self->{plugin}
}

service lmtp {
  user = $user
  inet_listener lmtp {
    port = @{[ $t->port('lmtp') ]}
  }
}

service imap-login {
  inet_listener imap {
    port = @{[ $t->port('imap') ]}
  }
  inet_listener imaps {
    port = @{[ $t->port('imaps') ]}
    ssl = @{[ $self->{tls} ? 'yes' : 'no' ]}
  }
}

service auth-worker {
  user = $user
}
END
}


# No process of an ordinary account can change its root directory.

sub _services {
    return join('', map { "\nservice $_ {\n  chroot =\n}\n" }
        qw(anvil imap-login stats auth));
}


1;
