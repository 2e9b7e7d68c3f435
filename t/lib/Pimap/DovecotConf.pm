package Pimap::DovecotConf;

# The configuration of a test's Dovecot: the settings to run below one
# directory under one account, and those of integrations/dovecot for
# publishing.

use strict;
use warnings;

use Pimap::Process qw(patience);

# The master user of Pimap::Bridge
my %master = ('2.3' => <<'END', '2.4' => <<'END');
auth_master_user_separator = *

passdb {
  driver = static
  args = password=boss
  master = yes
}
END
auth_master_user_separator = *

passdb master {
  driver = static
  master = yes
  passdb_static_password = boss
}
END

# No process of an ordinary account can change its root directory.
my $services = join('', map { "service $_ {\n  chroot =\n}\n" }
    qw(anvil imap-login stats));


sub text {
    my ($class, $dovecot) = @_;

    my $version = $dovecot->{version};
    my ($uid, $gid) = @{$dovecot}{qw(uid gid)};

    # misc/debian13 knows of one account only.
    my ($user, $group) = $dovecot->{other} ? ('pimap', 'pimap')
        : ((getpwuid($uid))[0], (getgrgid($gid))[0]);

    return ($version eq '2.4' ? _own_24($dovecot, $user, $group)
        : _own_23($dovecot, $user, $group))
        . _common($dovecot, $user, $group) . _publishing($dovecot);
}


# Of both versions

sub _common {
    my ($dovecot, $user, $group) = @_;

    my ($t, $dir) = @{$dovecot}{qw(t dir)};

    return <<"END" . $services;
base_dir = $dir/run
state_dir = $dir/state
log_path = $dir/log
protocols = imap lmtp
listen = @{[ $dovecot->{listen} // '127.0.0.1' ]}
default_internal_user = $user
default_internal_group = $group
default_login_user = $user
first_valid_uid = 1

protocol lmtp {
  postmaster_address = postmaster\@localhost
}

namespace inbox {
  inbox = yes
  separator = /
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
    port = @{[ $dovecot->{tls} ? $t->port('imaps') : 0 ]}
    ssl = yes
  }
}

service auth-worker {
  user = $user
}
END
}


sub _own_23 {
    my ($dovecot, $user, $group) = @_;

    my ($t, $dir, $imap) = @{$dovecot}{qw(t dir imap)};
    my $ssl = 'no';

    if ($dovecot->{tls}) {
        my ($cert, $key) = $t->certificate();

        chmod(0644, $key);
        $ssl = "yes\nssl_cert = <$cert\nssl_key = <$key";
    }

    $imap .= "\n  imap_capability = $dovecot->{capability}"
        if $dovecot->{capability};

    return <<"END";
ssl = $ssl
disable_plaintext_auth = no
$dovecot->{main}
@{[ $dovecot->{master} ? $master{'2.3'} : '' ]}
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

protocol imap {
  imap_metadata = yes
  $imap
}

service auth {
  chroot =
}
END
}


sub _own_24 {
    my ($dovecot, $user, $group) = @_;

    my ($t, $dir, $imap) = @{$dovecot}{qw(t dir imap)};
    my $ssl = 'no';

    if ($dovecot->{tls}) {
        my ($cert, $key) = $t->certificate();

        chmod(0644, $key);
        $ssl = "yes\nssl_server_cert_file = $cert"
            . "\nssl_server_key_file = $key";
    }

    $imap .= "\n  imap_capability = $dovecot->{capability}"
        if $dovecot->{capability};

    return <<"END";
dovecot_config_version = 2.4.1
dovecot_storage_version = 2.4.1
ssl = $ssl
auth_allow_cleartext = yes
$dovecot->{main}
@{[ $dovecot->{master} ? $master{'2.4'} : '' ]}
passdb static {
  password = secret
}

userdb static {
  fields {
    uid = $user
    gid = $group
    home = $dir/mail/%{user}
  }
  userdb_static_allow_all_users = yes
}

mail_driver = mdbox
mail_path = ~/mdbox
mail_home = $dir/mail/%{user}

mail_attribute {
  dict file {
    path = %{home}/dovecot-attributes
  }
}

protocol imap {
  imap_metadata = yes
  $imap
}

service auth {
  chroot =
}
END
}


# The settings to copy from integrations/dovecot, with the test's paths.

sub _publishing {
    my ($dovecot) = @_;

    my ($t, $dir, $driver, $state) = @{$dovecot}{qw(t dir driver state)};

    return '' if $driver eq 'none';

    my $text = $t->read_file($t->root()
        . "/integrations/dovecot/$driver-$dovecot->{version}.conf");

    $text =~ s{/etc/dovecot/pimap\.lua}{$dir/pimap.lua};
    $text =~ s{http://127\.0\.0\.1:8026/pimap/publish}{$dovecot->{url}}
        or die "no URL in $driver-$dovecot->{version}.conf\n";

    $text =~ s/(?:#(pimap_timeout = )600|(timeout\w* ?= ?)800)/($1 || $2)
        . 1000 * patience()/e
        or die "no time in $driver-$dovecot->{version}.conf\n"
        if !$dovecot->{hasty};

    $text =~ s/#(pimap_timeout =) 600/$1 $dovecot->{time}/ if $dovecot->{time};
    $text =~ s/#(pimap_state =).*/$1 $state/
        or die "no state in $driver-$dovecot->{version}.conf\n" if $state;

    return "\n$text";
}


1;
