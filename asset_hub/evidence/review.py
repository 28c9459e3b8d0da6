"""The four points on which a court examines evidence stored by blockchain: filled only where this software knows.

Source: 人民法院在线诉讼规则 art. 17, as the table `blockchain_evidence_rules` has it (rows E2–E5).
"""

from collections.abc import Mapping
from typing import Any

from asset_hub.catalogue.tables import load_table

UNKNOWN = "未提供"
_ROWS = ("E2", "E3", "E4", "E5")


def review_points(certificate: Mapping[str, Any], *, capture: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """Return each point with its article, the rule's words, and the facts that are known; the rest is 未提供."""
    answers = {
        "E2": {"网信部门区块链信息服务备案编号": UNKNOWN, "平台运营者": certificate["issuer"]["name"]},
        "E3": _neutrality(certificate),
        "E4": {"信息安全等级保护证明": UNKNOWN, "固定时的设备与系统": capture["device"] if capture else UNKNOWN,
               "固定时的时钟": capture["clock"] if capture else UNKNOWN},
        "E5": _technique(certificate, capture),
    }  # fmt: skip
    table = load_table("blockchain_evidence_rules")
    points = []
    for rule in _ROWS:
        row = table.find("rule", rule)
        points.append(
            {
                "article": f"人民法院在线诉讼规则 {row['article']}", "point_zh": row["text_zh"],
                "point_en": row["text_en"], "facts": answers[rule],
            }
        )  # fmt: skip
    return points


def _neutrality(certificate: Mapping[str, Any]) -> dict[str, Any]:
    word = certificate["attestation"]
    return {
        "与当事人的利害关系": "平台运营者保管账本；双方密钥由谁保管见“密钥保管”；是否与当事人有利害关系：" + UNKNOWN,
        "密钥保管": certificate["issuer"]["custody"],
        "第三方见证": certificate["issuer"]["witness"],
        "可信时间戳（RFC 3161）": "有" if word and word["stamp"] else "无",
        "成员副署": len(word["countersignatures"]) if word else 0,
    }


def _technique(certificate: Mapping[str, Any], capture: Mapping[str, Any] | None) -> dict[str, Any]:
    sm2 = certificate["sm2"]
    return {
        "哈希算法": "SHA-256、SM3（GB/T 32905-2016）、Keccak-256",
        "签名算法": "secp256k1（EIP-712）" + ("、SM2（GB/T 32918）" if sm2 else ""),
        "SM2 证书": UNKNOWN if not sm2 else (sm2["standing"] or f"{len(sm2['certificates'])} 张"),
        "固定所用工具及版本": capture["tools"] if capture else UNKNOWN,
        "数据传输": UNKNOWN,
        "信息验证": "随包附独立核验程序 verifier.pyz，不联网即可复核",
    }
